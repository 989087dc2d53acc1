//! The certificates of HTTPS, and `sesame ca`.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::data_dir::{DataDir, data_dir};
use super::startup::DataLocation;
use super::values;
use crate::ports::{Clock, ServerClock};
use crate::tls::{self, Tls, TlsName};

/// How to get the CA of a server in memory.
const OF_MEMORY: &str = "run `curl http://127.0.0.1:7070/_sesame/ca.pem` with the address of that server";

/// HTTPS.
#[derive(Debug, Clone, Args)]
pub(super) struct TlsArgs {
    /// Additional host name or address of the HTTPS certificate; separate several by commas or repeat the flag.
    #[arg(long, env = "SESAME_TLS_NAME", value_name = "NAME", value_delimiter = ',')]
    tls_name: Vec<String>,
    /// Certificate chain (PEM) for HTTPS, instead of certificates signed by the data directory's own CA.
    #[arg(long, env = "SESAME_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert.
    #[arg(long, env = "SESAME_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// Reads the certificates that the flags name; changes nothing.
    pub(super) fn open(
        self,
        location: &DataLocation,
        listen: IpAddr,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Tls>> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(_), Some(_)) if !self.tls_name.is_empty() => {
                bail!("--tls-name has no effect on the certificate of --tls-cert: leave one out")
            }
            (Some(certificate), Some(key)) => {
                Tls::own(certificate, key).context("--tls-cert and --tls-key")?
            }
            (Some(_), None) => bail!("--tls-cert needs --tls-key"),
            (None, Some(_)) => bail!("--tls-key needs --tls-cert"),
            (None, None) => Tls::signed(location.dir(), self.names()?, listen, clock)?,
        };
        Ok(Arc::new(tls))
    }

    /// The additional names of the certificate.
    ///
    /// # Errors
    /// When one is neither a host name nor an address.
    pub(super) fn names(&self) -> anyhow::Result<Vec<TlsName>> {
        names("--tls-name", &self.tls_name)
    }
}

/// Reads the names of a flag. Empty names are skipped: an empty variable names nothing.
///
/// # Errors
/// When one is neither a host name nor an address.
pub(super) fn names(flag: &str, texts: &[String]) -> anyhow::Result<Vec<TlsName>> {
    let name = |text: &str| {
        text.parse().with_context(|| {
            format!(
                "{flag} \"{text}\" is neither a host name nor an address: give it without scheme and port, for example \
                 secrets.example.com or *.example.com"
            )
        })
    };
    texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(name).collect()
}

/// Arguments of `sesame ca`.
#[derive(Debug, Args)]
pub(super) struct CaArgs {
    #[command(flatten)]
    data_dir: DataDir,
    /// For servers with --in-memory: print where to get the certificate instead.
    #[arg(long, env = "SESAME_IN_MEMORY", value_parser = values::switch)]
    in_memory: bool,
}

/// Prints the authority's certificate.
pub(super) fn print_ca(args: &CaArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    ensure!(
        !args.in_memory,
        "a server with --in-memory (SESAME_IN_MEMORY) keeps its CA in memory, where this command cannot read it: {OF_MEMORY}"
    );
    let dir = data_dir(args.data_dir.data_dir.as_deref())?;
    let file = tls::ca_file(&dir);
    let was_there = file.exists();
    let pem = tls::ca_pem(&dir, &ServerClock::default())?;
    out.write_all(pem.as_bytes())?;
    if !was_there {
        let shown = file.display();
        // The certificate is printed even when this note cannot be.
        drop(writeln!(
            std::io::stderr(),
            "note: made a new CA, {shown}: servers that use this data directory sign with it. A server with --in-memory has \
             another CA: {OF_MEMORY}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
