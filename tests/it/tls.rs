//! HTTPS on the port of HTTP, by real handshakes with a client that trusts only the server's own authority.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use sesame::testing::domain::{ClockSetting, Timestamp};
use sesame::testing::ports::{Clock, ServerClock};
use sesame::testing::server::AuthMode;
use sesame::testing::tls::{Tls, TlsName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::program::{Program, contents, run};
use crate::support::{ACCOUNT, Answer, NOW, Options, Server, form, sign};

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A client that trusts one authority.
struct Client(ClientConfig);

impl Client {
    fn new(ca_pem: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        Self::at(ca_pem, versions, Arc::new(rustls::time_provider::DefaultTimeProvider))
    }

    fn at(ca_pem: &str, versions: &[&'static SupportedProtocolVersion], time: Arc<dyn TimeProvider>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_details(provider, time)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Every handshake must show a certificate.
        config.resumption = Resumption::disabled();
        Self(config)
    }

    /// Performs a handshake over a stream, asking for a name or an address.
    async fn over<S>(&self, stream: S, name: &str) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(self.0.clone())).connect(name, stream).await
    }

    async fn connect(&self, address: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        self.over(TcpStream::connect(address).await?, name).await
    }

    /// Sends one request over its own connection.
    async fn ask(&self, address: SocketAddr, name: &str, request: &[u8]) -> Answer {
        let mut stream = self.connect(address, name).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Answer::parse(&answer)
    }

    /// Whether the certificate for a name is valid for it.
    async fn accepts(&self, address: SocketAddr, name: &str) -> bool {
        match self.connect(address, name).await {
            Ok(_) => true,
            Err(error) => {
                assert!(error.to_string().contains("invalid peer certificate"), "{name}: {error}");
                false
            }
        }
    }
}

/// The certificate of a server's authority, fetched without TLS.
async fn ca(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&get("/_sesame/ca.pem")).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = Answer::parse(&answer);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/pem-certificate-chain"))
    );
    answer.body
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

const HEALTH: &str = "/_sesame/health";

#[tokio::test]
async fn both_versions_and_plain_http_share_one_port() {
    let server = Server::start().await;
    let ca = ca(server.address).await;
    server.create("a").await;
    for (version, want) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let client = Client::new(&ca, &[version]);
        let mut stream = client.connect(server.address, "localhost").await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(want));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        // Kept alive: three requests over one connection.
        for _ in 0..3 {
            let request =
                b"GET /?Action=GetSecretValue&Version=2016-01-20&SecretName=a HTTP/1.1\r\nHost: x\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"}") {
                assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
            }
            assert_eq!(Answer::parse(&answer).ok()["SecretData"], "one");
        }
        assert_eq!(server.value("a", &[]).await, "one");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_kind_of_name_gets_a_valid_certificate() {
    let added = ["--tls-name", "added.example.com,*.wild.example.com", "--tls-name", "192.0.2.7"];
    let server = Program::serve(&[&["--in-memory"], &added[..]].concat(), &[]);
    let client = Client::new(&ca(server.address).await, &BOTH);
    for name in [
        "kms.cn-hangzhou.aliyuncs.com",
        "kms-vpc.cn-beijing.aliyuncs.com",
        "KMS.cn-hangzhou.aliyuncs.com",
        "kst-abc.cryptoservice.kms.aliyuncs.com",
        "sts.cn-hangzhou.aliyuncs.com",
        "sts.aliyuncs.com",
        "localhost",
        "127.0.0.1",
        "::1",
        "192.0.2.7",
        "sesame",
        "secrets_1",
        "sesame.default.svc.cluster.local",
        "sesame.sesame.svc",
        "app.localhost",
        "kms-intl.ap-southeast-1.aliyuncs.com",
        "ram.aliyuncs.com",
        "location-readonly.aliyuncs.com",
        "host.docker.internal",
        "added.example.com",
        "a.wild.example.com",
    ] {
        assert!(client.accepts(server.address, name).await, "{name}");
        // Already signed.
        assert!(client.accepts(server.address, name).await, "{name}");
    }
    for name in [
        "example.com",
        "oss.cn-hangzhou.aliyuncs.com",
        "wild.example.com",
        "a.b.wild.example.com",
        "192.0.2.8",
    ] {
        assert!(!client.accepts(server.address, name).await, "{name}");
    }
    let other = Program::serve(&["--in-memory"], &[("SESAME_TLS_NAME", "other.example.com,192.0.2.9")]);
    assert!(!client.accepts(other.address, "localhost").await, "another authority");
    let client = Client::new(&ca(other.address).await, &BOTH);
    assert!(client.accepts(other.address, "other.example.com").await);
    assert!(client.accepts(other.address, "192.0.2.9").await);
}

#[tokio::test]
async fn only_the_origin_of_the_connections_own_scheme_is_answered() {
    let server = Server::start().await;
    let client = Client::new(&ca(server.address).await, &BOTH);
    let ask = |host: &str, origin: &str| {
        format!(
            "GET /_sesame/clock HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"
        )
    };
    for (host, origin, secure, plain) in [
        ("localhost:7070", "https://localhost:7070", 200, 403),
        ("localhost:7070", "http://localhost:7070", 403, 200),
        ("localhost", "https://localhost", 200, 403),
        ("localhost:443", "https://localhost", 200, 403),
        ("localhost", "https://localhost:443", 200, 403),
        ("localhost:80", "https://localhost", 403, 403),
        ("localhost", "https://evil.example", 403, 403),
    ] {
        let request = ask(host, origin);
        let answer = client.ask(server.address, "localhost", request.as_bytes()).await;
        assert_eq!(answer.status, secure, "{host} {origin}: {}", answer.body);
        let answer = server.raw(request.as_bytes()).await;
        assert_eq!(answer.status, plain, "{host} {origin}: {}", answer.body);
    }
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_certificate_is_for_the_address_that_was_connected_to() {
    let server = Program::serve(&["--in-memory", "--listen", "0.0.0.0:0"], &[]);
    let port = server.address.port();
    let client = Client::new(&ca(([127, 0, 0, 1], port).into()).await, &BOTH);
    let address = SocketAddr::from(([127, 0, 0, 2], port));
    assert!(client.accepts(address, "127.0.0.2").await);
    assert!(!client.accepts(address, "127.0.0.3").await);
}

#[tokio::test]
async fn the_longest_secret_goes_through_in_the_request_line() {
    let server = Server::start().await;
    let client = Client::new(&ca(server.address).await, &BOTH);
    // 30,720 bytes that take three characters each.
    let value = "中".repeat(10_240);
    let query = form(&[
        ("Action", "CreateSecret"),
        ("Version", "2016-01-20"),
        ("SecretName", "long"),
        ("VersionId", "v1"),
        ("SecretData", &value),
    ]);
    let request = format!("POST /?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(request.len() > 92_000);
    client.ask(server.address, "localhost", request.as_bytes()).await.ok();
    assert_eq!(server.value("long", &[]).await, value);
    server.stop().await;
}

#[tokio::test]
async fn silence_and_garbage_disturb_nobody() {
    let server = Program::serve(&["--in-memory", "--log", "sesame=info"], &[]);
    let client = Client::new(&ca(server.address).await, &BOTH);
    let mut waiting = Vec::new();
    let garbage = [&[0x16, 3, 1, 0, 40][..], &[0xff; 40]].concat();
    let long = vec![0x16; 70_000];
    for sent in [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 7, 7], &garbage, &long, b"GET"] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            // It may be refused before all of it is sent.
            drop(stream.write_all(sent).await);
            waiting.push(stream);
        }
    }
    assert_eq!(client.ask(server.address, "localhost", &get(HEALTH)).await.status, 200);
    // Some disconnected in the middle.
    waiting.truncate(60);
    assert_eq!(client.ask(server.address, "localhost", &get(HEALTH)).await.status, 200);
    // The ones that are left do not delay the end either.
    let (code, said) = server.terminate();
    assert_eq!(code, Some(0));
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
}

#[tokio::test]
async fn two_hundred_at_once_are_served() {
    let server = Program::serve(&["--in-memory"], &[]);
    // The first handshakes of this server; half of them need the authority, which does not exist yet.
    let ca = {
        let first = (0..20).map(|_| tokio::spawn(ca(server.address)));
        let mut made = Vec::new();
        for one in first.collect::<Vec<_>>() {
            made.push(one.await.unwrap());
        }
        made.dedup();
        assert_eq!(made.len(), 1, "two authorities");
        made.remove(0)
    };
    let client = Arc::new(Client::new(&ca, &BOTH));
    let address = server.address;
    let asking: Vec<_> = (0..200)
        .map(|n| {
            let client = Arc::clone(&client);
            tokio::spawn(
                async move { client.ask(address, &format!("host{}", n % 40), &get(HEALTH)).await.status },
            )
        })
        .collect();
    for one in asking {
        assert_eq!(one.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn the_authority_is_made_when_needed_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let printed = || {
        let output = run(&["ca", "--data-dir", data], &[]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let server = Program::serve(&["--data-dir", data], &[]);
    assert!(server.send(&get(HEALTH)).contains("200 OK"));
    assert!(!dir.path().join("tls").exists(), "created before it was needed");
    // By the command while the server runs, which has not needed it yet.
    let first = printed();
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----\n"), "{first}");
    assert_eq!(ca(server.address).await, first);
    assert!(Client::new(&first, &BOTH).accepts(server.address, "localhost").await);
    drop(server.kill());
    let server = Program::serve(&["--data-dir", data], &[]);
    assert!(Client::new(&first, &BOTH).accepts(server.address, "sts.aliyuncs.com").await);
    assert_eq!((ca(server.address).await, printed()), (first.clone(), first));
    let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("tls"), mode("tls/ca.key")), (0o700, 0o600));
}

#[tokio::test]
async fn the_first_handshake_makes_the_authority_durably() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::serve(&["--data-dir", dir.path().to_str().unwrap()], &[]);
    let stranger = Client::new(&ca(Program::serve(&["--in-memory"], &[]).address).await, &BOTH);
    assert!(!stranger.accepts(server.address, "localhost").await);
    drop(server.kill());
    let kept = std::fs::read_to_string(dir.path().join("tls/ca.pem")).unwrap();
    let server = Program::serve(&["--data-dir", dir.path().to_str().unwrap()], &[]);
    assert!(Client::new(&kept, &BOTH).accepts(server.address, "localhost").await);
}

/// Runs `serve`, which must fail with one line that contains these words, and change nothing.
fn refused(data: &Path, arguments: &[&str], words: &str) {
    let all =
        [&["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()], arguments].concat();
    let output = run(&all, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(words), "{words:?} is not in {said:?}");
    assert!(!data.join("sesame.db").exists() && !data.join("root.key").exists());
}

#[tokio::test]
async fn a_damaged_authority_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&["ca", "--data-dir", dir.path().to_str().unwrap()], &[]).status.code(), Some(0));
    std::fs::write(dir.path().join("tls/ca.key"), "no key").unwrap();
    let before = contents(&dir.path().join("tls"));
    refused(dir.path(), &[], "contains a damaged key or certificate for HTTPS");
    std::fs::remove_file(dir.path().join("tls/ca.key")).unwrap();
    refused(dir.path(), &[], "restore the key");
    assert_eq!(contents(&dir.path().join("tls")), before[1..]);
}

#[tokio::test]
async fn a_provided_certificate_is_served_to_all_clients() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["own.example.com".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["own.example.com".to_owned()]).unwrap();
    let pem = |label: &str, der: &[u8]| {
        use base64::Engine;
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let certificate = file("own.pem", &pem("CERTIFICATE", params.signed_by(&key, &authority).unwrap().der()));
    let secret = file("own.key", &pem("PRIVATE KEY", key.serialized_der()));
    let server =
        Program::serve(&["--in-memory"], &[("SESAME_TLS_CERT", &certificate), ("SESAME_TLS_KEY", &secret)]);
    let client = Client::new(&pem("CERTIFICATE", authority.der()), &BOTH);
    assert!(client.accepts(server.address, "own.example.com").await);
    assert!(!client.accepts(server.address, "localhost").await);
    assert!(server.send(&get("/_sesame/ca.pem")).contains("404 Not Found"));
    let other = rcgen::KeyPair::generate().unwrap();
    let other = file("other.key", &pem("PRIVATE KEY", other.serialized_der()));
    let empty = file("empty.pem", "");
    let damaged = file("damaged.pem", &pem("CERTIFICATE", b"no certificate"));
    let data = dir.path().join("data");
    for (arguments, words) in [
        (&["--tls-cert", &certificate][..], "--tls-cert needs --tls-key"),
        (&["--tls-key", &secret], "--tls-key needs --tls-cert"),
        (&["--tls-cert", &certificate, "--tls-key", "/nowhere"], "cannot read /nowhere"),
        (&["--tls-cert", &certificate, "--tls-key", &other], "does not belong to the key"),
        (&["--tls-cert", &empty, "--tls-key", &secret], "contains no certificate in PEM form"),
        (&["--tls-cert", &certificate, "--tls-key", &certificate], "contains no private key in PEM form"),
        (&["--tls-cert", &damaged, "--tls-key", &secret], "contains a damaged certificate"),
        (&["--tls-cert", &certificate, "--tls-key", &secret, "--tls-name", "a"], "--tls-name has no effect"),
        (&["--tls-name", "https://a.example.com"], "is neither a host name nor an address"),
    ] {
        refused(&data, arguments, words);
        assert!(!data.exists(), "{words}");
    }
}

/// A machine's clock that a test moves, also for the client.
#[derive(Debug)]
struct MachineClock(AtomicI64);

impl MachineClock {
    fn advance_days(&self, days: i64) {
        self.0.fetch_add(days * 86_400_000, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for MachineClock {
    /// A hundred years ahead, as if moved over `/_sesame/clock`.
    fn now(&self) -> Timestamp {
        self.wall().plus_days(36_500)
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn setting(&self) -> ClockSetting {
        ClockSetting::default().advanced(36_500 * 86_400_000)
    }

    fn adopt(&self, _setting: ClockSetting) {
        panic!("no test moves it");
    }

    async fn pause(&self, _ms: u64) {
        tokio::task::yield_now().await;
    }

    async fn sleep_until(&self, _at: Timestamp) {
        std::future::pending::<()>().await;
    }
}

impl TimeProvider for MachineClock {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

#[tokio::test]
async fn certificates_are_renewed_in_time_by_the_machines_clock() {
    let clock = Arc::new(MachineClock(AtomicI64::new(NOW.as_millis())));
    let tls = Tls::signed(None, Vec::new(), [127, 0, 0, 1].into(), Arc::clone(&clock) as _).unwrap();
    let client = Client::at(&tls.ca_pem().await.unwrap().unwrap(), &BOTH, Arc::clone(&clock) as _);
    let shown = Mutex::new(Vec::new());
    // Ten days at a time, for almost the whole life of the authority.
    for _ in 0..360 {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let serving = tls.accept(far, [127, 0, 0, 1].into());
        let (served, connected) = tokio::join!(serving, client.over(near, "sts.aliyuncs.com"));
        served.unwrap();
        let stream = connected.unwrap();
        let mut shown = shown.lock().unwrap();
        shown.push(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec());
        clock.advance_days(10);
    }
    let mut shown = shown.into_inner().unwrap();
    shown.dedup();
    assert_eq!(shown.len(), 60, "one for every sixty days");
}

#[tokio::test]
async fn a_clock_that_was_moved_far_leaves_certificates_valid() {
    let server = Server::start().await;
    let client = Client::new(&ca(server.address).await, &BOTH);
    for name in ["localhost", "sts.aliyuncs.com"] {
        assert!(client.accepts(server.address, name).await);
        server.advance_seconds(10 * 365 * 86_400).await;
        assert!(client.accepts(server.address, name).await);
    }
    server.stop().await;
}

#[tokio::test]
async fn policies_see_whether_a_request_came_by_tls() {
    let accounts = format!(
        r#"
        [[accounts]]
        id = "{ACCOUNT}"
        [[accounts.policies]]
        name = "by-tls"
        document = '{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{{"Bool":{{"acs:SecureTransport":"true"}}}}}}]}}'
        [[accounts.users]]
        name = "careful"
        policies = ["by-tls"]
        [[accounts.users.access_keys]]
        id = "careful-key"
        secret = "careful-secret"
        "#
    );
    let options = Options { mode: AuthMode::Enforced, accounts: &accounts, ..Options::default() };
    let server = Server::with(options).await;
    let client = Client::new(&ca(server.address).await, &BOTH);
    let request = |nonce: &'static str| {
        let time = NOW.to_string();
        let mut signed = sign::rpc_system("ListSecrets", "careful-key", &time);
        signed.push(("SignatureNonce", nonce));
        let signature = sign::rpc_signature("GET", "careful-secret", &signed);
        signed.push(("Signature", &signature));
        get(&format!("/?{}", form(&signed)))
    };
    let (status, code, _) = server.raw(&request("plain")).await.refused();
    assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"));
    client.ask(server.address, "localhost", &request("secure")).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn private_keys_reach_no_log_and_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::serve(&["--data-dir", dir.path().to_str().unwrap(), "--log", "trace"], &[]);
    let ca = ca(server.address).await;
    for version in BOTH {
        let client = Client::new(&ca, &[version]);
        assert_eq!(client.ask(server.address, "localhost", &get(HEALTH)).await.status, 200);
        assert!(!client.accepts(server.address, "example.com").await);
    }
    let banner = server.banner.clone();
    let log = server.kill();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
    let text = std::fs::read_to_string(dir.path().join("tls/ca.key")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(&body).unwrap()
    };
    // The private number itself follows its tag and length: OCTET STRING of 32 bytes.
    let at = der.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
    let number = &der[at..at + 32];
    let decimal = number.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    for spelling in
        [const_hex::encode(number), const_hex::encode_upper(number), decimal, body[..60].to_owned()]
    {
        for (place, text) in [("the log", &log), ("the banner", &banner), ("an answer", &ca)] {
            assert!(!text.contains(&spelling), "the authority's key is in {place}");
        }
    }
    assert!(!log.contains("PRIVATE KEY"));
}

#[test]
fn debugging_shows_no_key() {
    let clock = Arc::new(ServerClock::default());
    let names: Vec<TlsName> = vec!["a.example.com".parse().unwrap()];
    let tls = Tls::signed(None, names, [127, 0, 0, 1].into(), clock).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls { source: \"signed\", .. }");
}
