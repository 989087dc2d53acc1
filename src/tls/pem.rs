//! Writing PEM: the TLS library can only read it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Characters per line.
const WIDTH: usize = 64;

/// Encodes DER as a PEM block. Wiped when dropped, because it may be a key.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    // With the full capacity at once: a string that grows would leave copies behind.
    let mut text =
        Zeroizing::new(String::with_capacity(body.len() + body.len() / WIDTH + 2 * label.len() + 64));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII.
        let (line, after) = rest.split_at(WIDTH.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [1, 47, 48, 49, 96, 500] {
            let der = vec![7; length];
            let text = encode("CERTIFICATE", &der);
            assert!(
                text.lines().all(|line| line.len() <= WIDTH) && text.ends_with("-----END CERTIFICATE-----\n")
            );
            assert_eq!(&*CertificateDer::from_pem_slice(text.as_bytes()).unwrap(), &der[..]);
        }
    }
}
