//! One connection from the first request to the last, and what it saw.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio_rustls::TlsConnector;

use crate::link::Link;
use crate::plan::Plan;
use crate::request::{self, Asked};

/// A put that was acknowledged.
#[derive(Debug)]
pub struct Put {
    pub begun_us: u128,
    pub ended_us: u128,
    pub version: String,
}

/// What one connection saw, or all together.
#[derive(Debug, Default)]
pub struct Seen {
    /// How long each right answer took.
    pub micros: Vec<u32>,
    pub errors: u64,
    pub history: Vec<Put>,
    pub begun: Option<Instant>,
    pub ended: Option<Instant>,
}

impl Seen {
    /// Adds what another connection saw.
    pub fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.errors += other.errors;
        self.history.extend(other.history);
        self.begun = [self.begun, other.begun].into_iter().flatten().min();
        self.ended = [self.ended, other.ended].into_iter().flatten().max();
    }
}

/// Says the first thing that went wrong, and no other.
fn complain(what: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        eprintln!("{}", what.chars().take(300).collect::<String>());
    }
}

fn holds(body: &[u8], expected: &str) -> bool {
    expected.is_empty() || body.windows(expected.len()).any(|window| window == expected.as_bytes())
}

/// One connection's requests, some of them signed before the time begins.
struct Requests {
    plan: Arc<Plan>,
    connection: u64,
    turn: u64,
    ready: VecDeque<Asked>,
}

impl Requests {
    fn make(&mut self) -> Option<Asked> {
        if self.turn == self.plan.requests {
            return None;
        }
        let asked = request::next(&self.plan, self.connection, self.turn);
        self.turn += 1;
        asked
    }

    fn prepare(&mut self) {
        let share = self.plan.prepare / self.plan.connections as u64;
        for _ in 0..share {
            let Some(asked) = self.make() else { return };
            self.ready.push_back(asked);
        }
    }

    fn next(&mut self) -> Option<Asked> {
        self.ready.pop_front().or_else(|| self.make())
    }
}

/// Works until the time is over, everything was sent, or the server is gone.
pub async fn work(
    plan: Arc<Plan>,
    tls: Option<TlsConnector>,
    number: usize,
    start: Arc<Barrier>,
    epoch: Instant,
) -> Seen {
    let mut seen = Seen::default();
    let mut requests =
        Requests { plan: Arc::clone(&plan), connection: number as u64, turn: 0, ready: VecDeque::new() };
    requests.prepare();
    let mut link = Link::open(&plan.address, tls.as_ref()).await;
    start.wait().await;
    let begun = Instant::now();
    seen.begun = Some(begun);
    let until = begun + Duration::from_secs_f64(plan.seconds);
    while Instant::now() < until {
        let open = match &mut link {
            Ok(open) => open,
            Err(error) => {
                complain(&format!("no connection: {error}"));
                seen.errors += 1;
                break;
            }
        };
        let Some(asked) = requests.next() else { break };
        if !exchange(open, asked, &mut seen, epoch).await {
            // Some servers close a connection after so many requests; a new one is part of their cost.
            link = Link::open(&plan.address, tls.as_ref()).await;
        }
    }
    seen.ended = Some(Instant::now());
    seen
}

/// Sends one request and judges its answer; whether the connection goes on.
async fn exchange(link: &mut Link, asked: Asked, seen: &mut Seen, epoch: Instant) -> bool {
    let begun = Instant::now();
    let answer = match link.exchange(&asked.bytes).await {
        Ok(answer) => answer,
        Err(error) => {
            complain(&format!("the connection broke: {error}"));
            seen.errors += 1;
            return false;
        }
    };
    let took = begun.elapsed();
    if answer.status == 200 && holds(answer.body, &asked.expect) {
        seen.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        if let Some(version) = asked.version {
            // Rounded outwards, so that puts that overlap never look as if they did not.
            let begun_us = (begun - epoch).as_micros();
            seen.history.push(Put { begun_us, ended_us: begun_us + took.as_micros() + 2, version });
        }
    } else {
        let text = String::from_utf8_lossy(answer.body);
        complain(&format!("{} where {:?} was expected: {text}", answer.status, asked.expect));
        seen.errors += 1;
    }
    !answer.last
}
