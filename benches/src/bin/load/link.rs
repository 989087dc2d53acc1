//! A connection, plain or by TLS, and the answers on it.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Failed;

/// What both kinds of connection can do.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Trusts the certificates of a file.
///
/// # Errors
/// The file holds none.
pub fn connector(file: &str) -> Result<TlsConnector, Failed> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A keep-alive connection.
pub struct Link {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    /// The server closes the connection after it.
    pub last: bool,
}

struct Head {
    status: u16,
    begin: usize,
    length: usize,
    last: bool,
}

impl Link {
    /// Connects, and shakes hands if it is by TLS.
    ///
    /// # Errors
    /// The operating system's, or of the handshake.
    pub async fn open(address: &str, tls: Option<&TlsConnector>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(host).map_err(Error::other)?;
                Box::new(tls.connect(name, stream).await?)
            }
        };
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The connection broke, or what came is no answer.
    pub async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
        };
        while self.buffer.len() < head.begin + head.length {
            self.more().await?;
        }
        let body = self.buffer.get(head.begin..).unwrap_or_default();
        Ok(Answer { status: head.status, body, last: head.last })
    }

    async fn more(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The head of an answer, once all of it is there.
fn head(bytes: &[u8]) -> std::io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = parsed.parse(bytes).map_err(Error::other)? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let header = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let length = value("content-length").and_then(|text| text.parse().ok());
    let length = length.ok_or_else(|| Error::other("an answer without its length"))?;
    let said = value("connection").map(|text| text.eq_ignore_ascii_case("close"));
    let last = said.unwrap_or(parsed.version == Some(0));
    Ok(Some(Head { status: parsed.code.unwrap_or_default(), begin, length, last }))
}
