//! What the machine can do at most: a bare axum handler that answers the bytes of a GetSecretValue, and one-row SQLite
//! commits, one after another, as durable as ours.
//!
//! `floor serve ADDRESS FILE` answers every request with the file's bytes; `floor commits FILE SECONDS` prints the
//! same figures as the load client.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

type Failed = Box<dyn std::error::Error>;

async fn answer(State(body): State<Bytes>) -> ([(&'static str, &'static str); 1], Bytes) {
    ([("content-type", "application/json;charset=utf-8")], body)
}

async fn serve(address: &str, file: &str) -> Result<(), Failed> {
    let body = Bytes::from(std::fs::read(file)?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("Ready.");
    let app = Router::new().fallback(answer).with_state(body);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = hyper_util::service::TowerToHyperService::new(app.clone());
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

async fn commits(file: &str, seconds: f64) -> Result<(), Failed> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection: SqliteConnection = options.connect().await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value BLOB)")
        .execute(&mut connection)
        .await?;
    let value = vec![7_u8; 200];
    let (begun, mut micros) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs_f64(seconds) {
        let one = Instant::now();
        sqlx::query("INSERT INTO t (value) VALUES ($1)").bind(&value).execute(&mut connection).await?;
        micros.push(one.elapsed().as_micros());
    }
    let (count, took) = (micros.len(), begun.elapsed().as_secs_f64());
    micros.sort_unstable();
    let quantile =
        |percent: usize| micros.get((count * percent / 100).min(count.saturating_sub(1))).unwrap_or(&0);
    println!(
        "{{\"requests\":{count},\"errors\":0,\"seconds\":{took:.3},\"rate\":{:.1},\"p50_us\":{},\"p99_us\":{},\"max_us\":{}}}",
        count as f64 / took,
        quantile(50),
        quantile(99),
        quantile(100),
    );
    connection.close().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address, file] => serve(address, file).await,
        ["commits", file, seconds] => commits(file, seconds.parse()?).await,
        _ => Err("floor serve ADDRESS FILE | floor commits FILE SECONDS".into()),
    }
}
