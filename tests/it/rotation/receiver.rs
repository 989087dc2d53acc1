//! A program that receives webhooks, in a thread of the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sesame::testing::domain::rotation::{Hidden, RotationSettings, RotatorFile, Rotators};

use crate::support::{form, quick_rotations};

/// A request that was received.
#[derive(Debug, Clone)]
pub struct Received {
    pub head: String,
    pub text: String,
    pub body: Value,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        let found = |line: &str| {
            line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
        };
        self.head.lines().find_map(found)
    }
}

/// A receiver, which answers as the test says until the test ends.
pub struct Receiver {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// A receiver that gives each request to `answer`, which says status and body. A status of 0 ends the connection.
    pub fn start(answer: impl Fn(&Received) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, received) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Received>>>::default());
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(request) = read(stream.as_ref().unwrap()) else { continue };
                kept.lock().unwrap().push(request.clone());
                let (status, body) = answer(&request);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: {length}\r\n\r\n"
                );
                if status > 0 {
                    // The client may be gone.
                    drop(stream.unwrap().write_all(format!("{head}{body}").as_bytes()));
                }
            }
        });
        Self { address, received }
    }

    /// What was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The steps of what was received so far.
    pub fn steps(&self) -> Vec<String> {
        self.received().iter().map(|one| one.body["Step"].as_str().unwrap().to_owned()).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).ok()? == 0 {
            // A check connects and sends nothing.
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).unwrap();
    Some(Received { body: serde_json::from_str(&text).unwrap(), head: head.replace('\r', ""), text })
}

/// Calls an action of a server, from a receiver. Gives the whole answer.
pub fn call(server: SocketAddr, action: &str, parameters: &[(&str, &str)]) -> String {
    let form = form(&[&[("Action", action), ("Version", "2016-01-20")], parameters].concat());
    let mut stream = TcpStream::connect(server).unwrap();
    let length = form.len();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{form}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Rotations with rotators as a configuration file has them.
pub fn with_rotators(toml: &str) -> RotationSettings {
    #[derive(serde::Deserialize)]
    struct File {
        rotators: Vec<RotatorFile>,
    }
    let mut files = toml::from_str::<File>(toml).unwrap().rotators;
    for file in &mut files {
        // The configuration takes it from the variable.
        file.hook_secret = file.secret_env.clone().map(Hidden::new);
    }
    RotationSettings { rotators: Rotators::new(&files).unwrap(), ..quick_rotations() }
}
