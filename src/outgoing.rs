//! HTTP and HTTPS requests to other servers: from commands to a running server, and from rotators to webhooks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::either::Either;

use crate::tls::{self, ConnectError, Trust};

/// The limit for connecting, including name lookup and TLS handshake.
pub const CONNECTING: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes, unless the caller says another. A server accepts files of half that size.
const ANSWER_BYTES: usize = 1024 * 1024 * 1024;

/// The address of a server: scheme, host, port, and a path prefix if a proxy needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    secure: bool,
    /// As in the Host header: an IPv6 address is in brackets.
    host: String,
    port: Option<u16>,
    /// Without a slash at the end.
    prefix: String,
}

impl ServerUrl {
    /// Plain HTTP at an address.
    pub fn plain(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(host) => host.to_string(),
            IpAddr::V6(host) => format!("[{host}]"),
        };
        Self { secure: false, host, port: Some(address.port()), prefix: String::new() }
    }

    /// The name or the address itself, without brackets and port.
    pub fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// What the header Host says: the host, and the port if there is one.
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

impl ServerUrl {
    /// Whether the address is one of the cloud's own: a name below aliyuncs.com.
    pub fn is_cloud(&self) -> bool {
        let name = self.name().trim_end_matches('.').to_ascii_lowercase();
        name == "aliyuncs.com" || name.ends_with(".aliyuncs.com")
    }

    /// Whether the address is https://.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

impl FromStr for ServerUrl {
    /// What is wrong, with an example. It does not repeat the address, which may contain a password.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "write http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:7070 or \
                               https://[::1]:7070";
        let wrong = |what: &str| Err(format!("{what}: {EXAMPLE}"));
        let text = text.trim();
        if text.is_empty() {
            return wrong("the address is empty");
        }
        let Ok(uri) = text.parse::<Uri>() else { return wrong("this is not an address") };
        let parts = uri.into_parts();
        let secure = match &parts.scheme {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) => return wrong(&format!("{scheme}:// is not supported")),
            None => return wrong("the scheme is missing"),
        };
        let Some(authority) = parts.authority else { return wrong("the host is missing") };
        if authority.as_str().contains('@') {
            return wrong("the address must not hold a user or a password");
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => None,
            Some(rest) => match rest.strip_prefix(':').and_then(|port| port.parse().ok()) {
                Some(port) if port > 0 => Some(port),
                _ => return wrong("the port is not a number from 1 to 65535"),
            },
            None => return wrong("the host is missing"),
        };
        if host.is_empty() {
            return wrong("the host is missing");
        }
        let path = parts.path_and_query.as_ref();
        if path.is_some_and(|path| path.query().is_some()) || text.contains('#') {
            return wrong("the address must not have a query (?) or a fragment (#)");
        }
        let prefix = path.map_or("", |path| path.path()).trim_end_matches('/').to_owned();
        Ok(Self { secure, host: host.to_owned(), port, prefix })
    }
}

/// An answer of a server, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// No connection was made, so the server has seen nothing of the request.
#[derive(Debug)]
pub struct NoConnection(String);

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoConnection {}

/// A client of one server. Each request opens a connection; redirects are not followed and proxies not used.
#[derive(Debug)]
pub struct Client {
    url: ServerUrl,
    /// `None` for plain HTTP.
    trust: Option<Trust>,
    patience: Duration,
    longest: usize,
    advice: Advice,
}

/// Turns an error of TLS into one line with advice for whoever chose the server.
pub type Advice = fn(&ConnectError, &ServerUrl) -> anyhow::Error;

fn no_advice(error: &ConnectError, _url: &ServerUrl) -> anyhow::Error {
    anyhow!("{error}")
}

/// The connection to a server.
type Stream = Either<TcpStream, Box<tls::ClientStream<TcpStream>>>;

impl Client {
    /// A client of the server at `url`. An https:// address needs `trust`. `patience` limits a whole request.
    pub fn new(url: ServerUrl, trust: Option<Trust>, patience: Duration) -> Self {
        Self { url, trust, patience, longest: ANSWER_BYTES, advice: no_advice }
    }

    /// The same with another longest answer, in bytes. A longer one is an error.
    #[must_use]
    pub fn limited_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The same with advice on errors of TLS.
    #[must_use]
    pub fn advising(self, advice: Advice) -> Self {
        Self { advice, ..self }
    }

    /// The address of the server.
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Sends a request and reads the whole answer. `path` begins with a slash and may have a query. Over HTTPS the request
    /// is sent only after the server's certificate was verified.
    ///
    /// # Errors
    /// One line: the server cannot be reached, is not trusted, takes too long, or does not speak HTTP.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let exchange = async {
            let connecting = tokio::time::timeout(CONNECTING.min(self.patience), self.connect());
            let connected = connecting.await.unwrap_or_else(|_elapsed| Err(self.late()));
            self.exchange(connected?, method, path, headers, body).await
        };
        let answered = tokio::time::timeout(self.patience, exchange).await;
        answered.unwrap_or_else(|_elapsed| {
            Err(anyhow!("{} did not answer within {} seconds", self.url, self.patience.as_secs_f32()))
        })
    }

    /// Connects, with TLS where the address is https://, and sends nothing.
    ///
    /// # Errors
    /// One line: the server cannot be reached, is not trusted, or takes too long.
    pub async fn reach(&self) -> anyhow::Result<()> {
        let connecting = tokio::time::timeout(CONNECTING.min(self.patience), self.connect());
        connecting.await.unwrap_or_else(|_elapsed| Err(self.late())).map(drop)
    }

    fn late(&self) -> anyhow::Error {
        NoConnection(format!("no server answers at {}: connecting takes too long", self.url)).into()
    }

    async fn connect(&self) -> anyhow::Result<Stream> {
        let port = self.url.port.unwrap_or(if self.url.secure { 443 } else { 80 });
        let stream = TcpStream::connect((self.url.name(), port)).await;
        let stream = stream.with_context(|| NoConnection(format!("no server answers at {}", self.url)))?;
        stream.set_nodelay(true)?;
        if !self.url.secure {
            return Ok(Either::Left(stream));
        }
        let trust = self.trust.as_ref().context("no certificate is trusted")?;
        match trust.connect(stream, self.url.name()).await {
            Ok(stream) => Ok(Either::Right(Box::new(stream))),
            Err(error) => Err((self.advice)(&error, &self.url)
                .context(NoConnection(format!("{} is not trusted", self.url)))),
        }
    }

    async fn exchange(
        &self,
        stream: Stream,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let request = self.request((method, path), headers, body)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let answer = async {
            let answer = sender.send_request(request).await.with_context(|| self.no_http())?;
            whole(answer, self.longest).await
        };
        // The connection is driven here and not by a task of its own, so that it ends with the answer.
        tokio::pin!(connection);
        tokio::pin!(answer);
        tokio::select! {
            answered = &mut answer => answered,
            // Errors of the connection show in the answer, and an answer may itself end the connection.
            _ended = &mut connection => answer.await,
        }
    }

    /// Reads an answer piece by piece until `take` returns false or the server ends it. An unsuccessful answer is given
    /// back whole.
    ///
    /// # Errors
    /// As [`Client::send`], but an answer may take as long as it likes.
    pub async fn follow(
        &self,
        path: &str,
        headers: HeaderMap,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> anyhow::Result<Option<Response>> {
        let connecting = tokio::time::timeout(CONNECTING, self.connect());
        let stream = connecting.await.unwrap_or_else(|_elapsed| Err(self.late()))?;
        let request = self.request((Method::GET, path), headers, Bytes::new())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let pieces = async {
            let answer = sender.send_request(request).await.with_context(|| self.no_http())?;
            if !answer.status().is_success() {
                return whole(answer, self.longest).await.map(Some);
            }
            let mut body = answer.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.context("the answer is cut short")?;
                if frame.data_ref().is_some_and(|piece| !take(piece)) {
                    break;
                }
            }
            Ok(None)
        };
        tokio::pin!(connection);
        tokio::pin!(pieces);
        tokio::select! {
            ended = &mut pieces => ended,
            _ended = &mut connection => pieces.await,
        }
    }

    fn no_http(&self) -> String {
        format!("what {} answers is not HTTP", self.url)
    }

    fn request(
        &self,
        (method, path): (Method, &str),
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let target = format!("{}{path}", self.url.prefix);
        let slash = if target.starts_with('/') { "" } else { "/" };
        *request.uri_mut() = format!("{slash}{target}").parse().context("the path of the request")?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, self.url.authority().parse()?);
        Ok(request)
    }
}

/// Reads the whole answer.
async fn whole(answer: http::Response<Incoming>, longest: usize) -> anyhow::Result<Response> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = Limited::new(answer.into_body(), longest).collect().await;
    let body = body.map_err(|error| anyhow!(error)).context("the answer is cut short or too long")?;
    Ok(Response { status, headers, body: body.to_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_scheme_host_port_and_path() {
        for (text, want) in [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            (" https://sesame/ ", "https://sesame"),
            ("HTTPS://Sesame:1/", "https://Sesame:1"),
            ("http://[::1]:7070/", "http://[::1]:7070"),
            ("http://[::1]", "http://[::1]"),
            ("https://proxy/a/b//", "https://proxy/a/b"),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), want, "{text}");
        }
        assert_eq!("https://[::1]:5".parse::<ServerUrl>().unwrap().name(), "::1");
        let plain = |address: &str| ServerUrl::plain(address.parse().unwrap()).to_string();
        assert_eq!(plain("[::1]:7070"), "http://[::1]:7070");
        assert_eq!(plain("127.0.0.1:7070"), "http://127.0.0.1:7070");
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example_and_not_repeated() {
        for (text, want) in [
            ("", "the address is empty"),
            ("127.0.0.1:7070", "the scheme is missing"),
            ("localhost:7070", "the scheme is missing"),
            ("sesame", "the scheme is missing"),
            ("/sesame", "the scheme is missing"),
            ("[::1]:7070", "the scheme is missing"),
            ("ftp://sesame", "ftp:// is not supported"),
            ("http://", "not an address"),
            ("http://:7070", "the host is missing"),
            ("http://sesame:", "the port is not a number"),
            ("http://sesame:0", "the port is not a number"),
            ("http://sesame:65536", "the port is not a number"),
            ("http://sesame:http", "the port is not a number"),
            ("http://hunter2:hunter2@sesame", "must not hold a user"),
            ("http://sesame/?hunter2=1", "must not have a query"),
            ("http://sesame/#hunter2", "must not have a query"),
            ("http://a b", "not an address"),
            ("http://[::1", "not an address"),
            ("http://s\u{e9}same", "not an address"),
        ] {
            let said = text.parse::<ServerUrl>().unwrap_err();
            assert!(said.contains(want) && said.contains("http://127.0.0.1:7070"), "{text}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_is_given_up() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = ServerUrl::plain(listener.local_addr().unwrap());
        let endless = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>())
                    .await
                    .unwrap_err();
            }
        };
        let client = Client::new(url, None, Duration::from_millis(200));
        let asked = client.send(Method::GET, "/", HeaderMap::new(), Bytes::new());
        let (answer, ()) = tokio::join!(asked, endless);
        let said = format!("{:#}", answer.unwrap_err());
        assert!(said.contains("did not answer within 0.2 seconds"), "{said}");
    }
}
