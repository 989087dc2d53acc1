//! Parsers for values of flags that can be written in several ways.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use anyhow::Context;

use crate::domain::{AccountId, Region};

/// The default of `--account-id`.
pub(super) const DEFAULT_ACCOUNT: &str = "1000000000000001";
/// The default of `--region`.
pub(super) const DEFAULT_REGION: &str = "cn-hangzhou";

/// Parses a switch from the environment. An empty value is off, because compose passes unset variables on as empty ones.
///
/// # Errors
/// The accepted values.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" => Ok(true),
        "" | "false" | "no" | "off" | "0" | "n" | "f" => Ok(false),
        _ => Err("write true, yes, on or 1; or false, no, off or 0".to_owned()),
    }
}

/// Parses an address to listen on. A port alone, `7143` or `:7143`, means 127.0.0.1, so that other machines can connect
/// only when the flag says so, as in 0.0.0.0:7143.
///
/// # Errors
/// The problem, with an example.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    const EXAMPLE: &str = "write PORT or HOST:PORT, such as 7143, localhost:7143, 0.0.0.0:7143 or [::1]:7143";
    let text = text.trim();
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err(format!("the port is missing: {EXAMPLE}"));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    if host.contains(':') {
        return Err(format!("neither a port nor an address with a port: {EXAMPLE}"));
    }
    let Ok(port) = port.parse::<u16>() else {
        // Without a colon, what begins with a digit was meant as a port, and anything else as a host.
        let is_port = text.contains(':') || port.starts_with(|c: char| c.is_ascii_digit());
        let wrong = if port.is_empty() || !is_port {
            "the port is missing".to_owned()
        } else if port.bytes().all(|b| b.is_ascii_digit()) {
            "a port is at most 65535".to_owned()
        } else {
            format!("the port \"{port}\" is not a number")
        };
        return Err(format!("{wrong}: {EXAMPLE}"));
    };
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let found = (host, port).to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| format!("the name \"{host}\" has no address: {EXAMPLE}"))
}

/// Parses the value of `--region`.
///
/// # Errors
/// One line with an example.
pub(super) fn region(text: &str) -> anyhow::Result<Region> {
    let form = "1 to 32 lower-case letters, digits and hyphens, such as cn-hangzhou";
    text.parse().ok().with_context(|| format!("--region \"{text}\" is not a valid region id: write {form}"))
}

/// Parses the value of `--account-id`.
///
/// # Errors
/// One line with an example.
pub(super) fn account_id(text: &str) -> anyhow::Result<AccountId> {
    let form = "1 to 32 digits, such as 1000000000000001";
    text.parse()
        .ok()
        .with_context(|| format!("--account-id \"{text}\" is not a valid account id: write {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_written_in_many_ways() {
        for on in ["1", "yes", "TRUE", "on", "true", "Y", " true "] {
            assert_eq!(switch(on), Ok(true), "{on:?}");
        }
        for off in ["0", "no", "FALSE", "off", "false", ""] {
            assert_eq!(switch(off), Ok(false), "{off:?}");
        }
        for wrong in ["maybe", "2", "yess", "-1"] {
            assert!(switch(wrong).unwrap_err().contains("yes"), "{wrong:?}");
        }
    }

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, want) in [
            ("7143", "127.0.0.1:7143"),
            (":7143", "127.0.0.1:7143"),
            ("localhost:7143", "127.0.0.1:7143"),
            ("LocalHost:0", "127.0.0.1:0"),
            ("127.0.0.2:7143", "127.0.0.2:7143"),
            ("0.0.0.0:7143", "0.0.0.0:7143"),
            ("[::1]:7143", "[::1]:7143"),
            ("[::]:7143", "[::]:7143"),
        ] {
            assert_eq!(listen(text), Ok(want.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for (text, want) in [
            ("", "the port is missing"),
            (":", "the port is missing"),
            ("localhost", "the port is missing"),
            ("127.0.0.1", "the port is missing"),
            ("::1", "the port is missing"),
            ("localhost:", "the port is missing"),
            ("localhost:http", "the port \"http\" is not a number"),
            ("127.0.0.1:7143/", "the port \"7143/\" is not a number"),
            (":7143/", "the port \"7143/\" is not a number"),
            ("7143abc", "the port \"7143abc\" is not a number"),
            ("-1", "the port is missing"),
            ("65536", "at most 65535"),
            ("0.0.0.0:99999", "at most 65535"),
            ("::1:7143:x", "neither a port nor an address"),
            ("http://localhost:7143", "neither a port nor an address"),
            ("no.such.host.invalid:7143", "\"no.such.host.invalid\" has no address"),
        ] {
            let said = listen(text).unwrap_err();
            assert!(said.contains(want) && said.contains("localhost:7143"), "{text}: {said}");
        }
    }
}
