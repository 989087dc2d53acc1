//! The load client of the benchmarks: keep-alive connections to one server on loopback, each of which sends the next
//! request when the last was answered, and looks whether the answer is right. Every request to Sesame is signed anew,
//! as an SDK does it. Prints one JSON object.
//!
//! `load ADDRESS KIND CONNECTIONS SECONDS [NAME=VALUE ...]`; KIND is one of
//!
//! - `get`: GetSecretValue of `secret` (default `bench`); `secrets=N` spreads over `secret/0` and so on;
//! - `put`: PutSecretValue of a fresh version; each connection has a secret of its own, or all write `shared=NAME`;
//! - `mixed`: one put for every nine gets of that secret;
//! - `create`: CreateSecret of `secret/0` and so on, in all `count`; ends when they are there;
//! - `list`: ListSecrets, `page` and `page_size`;
//! - `moto`, `bao`: a peer's own read, or with `write=yes` its own write, of a secret.
//!
//! Options for all: `run=TEXT` makes versions of one run differ from those of another; `signed=no`; `key=ID` and
//! `key_secret=TEXT`; `xml=yes`; `ca=FILE` speaks HTTPS and trusts that certificate; `expect=TEXT` must be in every
//! answer; `prepare=N` signs so many requests before the time begins; `requests=N` ends after so many of a connection;
//! `threads=N` (default 1); `history=FILE` writes a line `begin end version` for each acknowledged put, in microseconds.

mod link;
mod plan;
mod request;
mod sign;
mod worker;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plan::Plan;
use tokio::sync::Barrier;
use worker::Seen;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs the plan; what all connections saw together, and for how long.
async fn run(plan: &Arc<Plan>) -> Result<(Seen, Duration), Failed> {
    let tls = plan.ca.as_deref().map(link::connector).transpose()?;
    let start = Arc::new(Barrier::new(plan.connections));
    let epoch = Instant::now();
    let spawn =
        |number| tokio::spawn(worker::work(Arc::clone(plan), tls.clone(), number, Arc::clone(&start), epoch));
    let tasks: Vec<_> = (0..plan.connections).map(spawn).collect();
    let mut all = Seen::default();
    for task in tasks {
        all.add(task.await?);
    }
    let took = all.ended.zip(all.begun).map_or(Duration::ZERO, |(ended, begun)| ended - begun);
    Ok((all, took))
}

/// The answer time below which so large a share of the answers came, in microseconds.
fn quantile(sorted: &[u32], share: f64) -> u32 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn write_history(path: &str, seen: &Seen) -> Result<(), Failed> {
    let mut text = String::new();
    for put in &seen.history {
        writeln!(text, "{} {} {}", put.begun_us, put.ended_us, put.version)?;
    }
    Ok(std::fs::write(path, text)?)
}

fn main() -> Result<(), Failed> {
    let plan = Arc::new(Plan::parse(std::env::args().skip(1))?);
    let mut builder = match plan.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(plan.threads).enable_all().build()?;
    let (mut seen, took) = runtime.block_on(run(&plan))?;
    if let Some(path) = &plan.history {
        write_history(path, &seen)?;
    }
    seen.micros.sort_unstable();
    let seconds = took.as_secs_f64();
    println!(
        "{{\"requests\":{},\"errors\":{},\"seconds\":{seconds:.3},\"rate\":{:.1},\"p50_us\":{},\"p99_us\":{},\"max_us\":{}}}",
        seen.micros.len(),
        seen.errors,
        seen.micros.len() as f64 / seconds.max(f64::EPSILON),
        quantile(&seen.micros, 0.5),
        quantile(&seen.micros, 0.99),
        quantile(&seen.micros, 1.0),
    );
    Ok(())
}
