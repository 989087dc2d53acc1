//! What is asked for, read from the command line.

use std::collections::BTreeMap;

use crate::Failed;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GetSecretValue.
    Get,
    /// PutSecretValue.
    Put,
    /// One put for every nine gets.
    Mixed,
    /// CreateSecret.
    Create,
    /// ListSecrets.
    List,
    /// moto's Secrets Manager.
    Moto,
    /// OpenBao's second key-value engine.
    Bao,
}

impl Kind {
    fn named(name: &str) -> Result<Self, Failed> {
        Ok(match name {
            "get" => Self::Get,
            "put" => Self::Put,
            "mixed" => Self::Mixed,
            "create" => Self::Create,
            "list" => Self::List,
            "moto" => Self::Moto,
            "bao" => Self::Bao,
            other => return Err(format!("no kind of load: {other}").into()),
        })
    }
}

/// What is asked for; the options are explained at the head of the program.
#[derive(Debug)]
pub struct Plan {
    pub address: String,
    pub kind: Kind,
    pub connections: usize,
    pub seconds: f64,
    pub secret: String,
    pub secrets: u64,
    pub shared: Option<String>,
    pub count: u64,
    pub page: u64,
    pub page_size: u64,
    pub write: bool,
    pub run: String,
    pub signed: bool,
    pub key: String,
    pub key_secret: String,
    pub xml: bool,
    pub ca: Option<String>,
    pub expect: Option<String>,
    pub prepare: u64,
    pub requests: u64,
    pub threads: usize,
    pub history: Option<String>,
}

/// The options that were not read yet.
struct Options(BTreeMap<String, String>);

impl Options {
    fn text(&mut self, name: &str, default: &str) -> String {
        self.0.remove(name).unwrap_or_else(|| default.to_owned())
    }

    fn number(&mut self, name: &str, default: u64) -> Result<u64, Failed> {
        let Some(text) = self.0.remove(name) else { return Ok(default) };
        text.parse().map_err(|_no_number| format!("{name}={text} is no number").into())
    }

    fn yes(&mut self, name: &str, default: bool) -> bool {
        self.0.remove(name).map_or(default, |text| text == "yes")
    }
}

impl Plan {
    /// Reads the arguments.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Failed> {
        let arguments: Vec<String> = arguments.collect();
        let [address, kind, connections, seconds, more @ ..] = arguments.as_slice() else {
            return Err("load ADDRESS KIND CONNECTIONS SECONDS [NAME=VALUE ...]".into());
        };
        let pair = |pair: &String| pair.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
        let pairs: Option<BTreeMap<String, String>> = more.iter().map(pair).collect();
        let mut options = Options(pairs.ok_or("an option is NAME=VALUE")?);
        let plan = Self {
            address: address.clone(),
            kind: Kind::named(kind)?,
            connections: connections.parse()?,
            seconds: seconds.parse()?,
            secret: options.text("secret", "bench"),
            secrets: options.number("secrets", 0)?,
            shared: options.0.remove("shared"),
            count: options.number("count", 0)?,
            page: options.number("page", 1)?,
            page_size: options.number("page_size", 10)?,
            write: options.yes("write", false),
            run: options.text("run", "0"),
            signed: options.yes("signed", true),
            key: options.text("key", "test"),
            key_secret: options.text("key_secret", "test"),
            xml: options.yes("xml", false),
            ca: options.0.remove("ca"),
            expect: options.0.remove("expect"),
            prepare: options.number("prepare", 0)?,
            requests: options.number("requests", u64::MAX)?,
            threads: usize::try_from(options.number("threads", 1)?)?,
            history: options.0.remove("history"),
        };
        match options.0.keys().next() {
            Some(unknown) => Err(format!("no option {unknown}").into()),
            None => Ok(plan),
        }
    }
}
