//! `sesame log`: the requests that a server has answered.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::instance::Instance;
use crate::cli::data::output::{OutputArgs, member};
use crate::wire::signature::sign::encoded;

/// Which requests.
#[derive(Debug, Args)]
pub(in crate::cli) struct LogArgs {
    /// Print new requests as they come, until Ctrl-C.
    #[arg(long, short = 'f')]
    follow: bool,
    /// Only this action.
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Only refused requests.
    #[arg(long)]
    errors: bool,
    /// Only this error code.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only requests of callers whose ARN or access key has this in it.
    #[arg(long, value_name = "TEXT")]
    caller: Option<String>,
    /// At most this many, the newest.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

const TITLES: [&str; 6] = ["TIME", "STATUS", "MS", "ACTION", "CALLER", "CODE"];
/// Widths of the columns while requests are followed, whose cells are not known in advance.
const WIDTHS: [usize; 6] = [20, 6, 4, 24, 34, 0];

pub(super) async fn run(args: &LogArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut asked = Vec::new();
    asked.extend(args.action.as_deref().map(|action| ("action", action)));
    if args.follow {
        asked.push(("follow", "true"));
    }
    let path = format!("requests?{}", encoded(&asked));
    if args.follow {
        return follow(args, &path, out).await;
    }
    let answer = args.instance.ask("log", (Method::GET, &path), None).await?;
    let all = answer.get("requests").and_then(Value::as_array).context("the answer has no requests")?;
    // The server has the newest first; on a screen the newest is last.
    let mut wanted: Vec<Value> =
        all.iter().filter(|entry| args.wants(entry)).take(args.limit).cloned().collect();
    wanted.reverse();
    let rows: Vec<Vec<String>> = wanted.iter().map(row).collect();
    args.output.list(out, &TITLES, &rows, &Value::Array(wanted))
}

async fn follow(args: &LogArgs, path: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    args.instance.only_here("log")?;
    args.output.heading(out, &TITLES, &WIDTHS)?;
    let mut line = Vec::new();
    let mut ended = Ok(());
    let mut take = |piece: &[u8]| {
        line.extend_from_slice(piece);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let entry: Vec<u8> = line.drain(..=end).collect();
            ended = print(args, &entry, out);
            if ended.is_err() {
                return false;
            }
        }
        true
    };
    let server = &args.instance.server;
    let followed =
        server.follow(args.instance.place.data_dir.as_deref(), &format!("/_sesame/{path}"), &mut take).await;
    followed?;
    ended
}

fn print(args: &LogArgs, line: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
    let entry: Value =
        serde_json::from_slice(line).context("what the server answers is not an answer of Sesame's")?;
    if !args.wants(&entry) {
        return Ok(());
    }
    if args.output.is_data() {
        writeln!(out, "{entry}")?;
    } else {
        args.output.row(out, &row(&entry), &WIDTHS)?;
    }
    Ok(out.flush()?)
}

fn row(entry: &Value) -> Vec<String> {
    let caller = Some(member(entry, "caller")).filter(|caller| !caller.is_empty());
    vec![
        member(entry, "time"),
        member(entry, "status"),
        member(entry, "duration_ms"),
        member(entry, "action"),
        caller.unwrap_or_else(|| member(entry, "claimed_access_key")),
        member(entry, "code"),
    ]
}

impl LogArgs {
    fn wants(&self, entry: &Value) -> bool {
        let code = member(entry, "code");
        let who = ["caller", "access_key", "claimed_access_key"];
        (!self.errors || !code.is_empty())
            && self.code.as_ref().is_none_or(|wanted| *wanted == code)
            && self
                .caller
                .as_ref()
                .is_none_or(|text| who.iter().any(|name| member(entry, name).contains(text)))
    }
}
