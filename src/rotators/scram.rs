//! The verifier of a password that PostgreSQL stores (RFC 5803). A server that gets it never sees the password, and so no log of it does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The number of rounds that PostgreSQL itself uses.
const ROUNDS: u32 = 4096;

/// The verifier for `ALTER ROLE … PASSWORD`. `None` for a password that is not printable ASCII: what PostgreSQL makes of others depends
/// on the encoding of the database, so the server must compute these.
pub fn verifier(password: &str, salt: &[u8; 16]) -> Option<String> {
    if password.is_empty() || !password.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    let salted = salted(password.as_bytes(), salt)?;
    let client = Zeroizing::new(keyed(&*salted, &[b"Client Key"])?);
    let stored = Sha256::digest(*client);
    let server = keyed(&*salted, &[b"Server Key"])?;
    let [salt, stored, server] = [&salt[..], &stored, &server].map(|bytes| STANDARD.encode(bytes));
    Some(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}"))
}

/// PBKDF2 of one block.
fn salted(password: &[u8], salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut last = Zeroizing::new(keyed(password, &[salt, &1_u32.to_be_bytes()])?);
    let mut all = last.clone();
    for _ in 1..ROUNDS {
        *last = keyed(password, &[&*last])?;
        for (sum, byte) in all.iter_mut().zip(last.iter()) {
            *sum ^= byte;
        }
    }
    Some(all)
}

/// HMAC-SHA-256, which takes keys of any length.
fn keyed(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_dy11_3_the_verifier_has_the_keys_of_rfc_7677() {
        // User "user", password "pencil", salt and rounds of section 3; the client's proof there was made with the same keys.
        let salt: [u8; 16] = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let made = verifier("pencil", &salt).unwrap();
        let (head, keys) = made.rsplit_once('$').unwrap();
        assert_eq!(head, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==");
        let (stored, server) = keys.split_once(':').unwrap();
        let message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server = keyed(&STANDARD.decode(server).unwrap(), &[message]).unwrap();
        assert_eq!(STANDARD.encode(server), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        let stored = STANDARD.decode(stored).unwrap();
        let signature = keyed(&stored, &[message]).unwrap();
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let key: Vec<u8> = proof.iter().zip(signature).map(|(proof, byte)| proof ^ byte).collect();
        assert_eq!(Sha256::digest(key).to_vec(), stored);
    }

    #[test]
    fn what_is_not_ascii_is_left_to_the_server() {
        assert_eq!(verifier("pässword", &[0; 16]), None);
        assert_eq!(verifier("", &[0; 16]), None);
        assert_ne!(verifier("a", &[0; 16]), verifier("a", &[1; 16]));
    }
}
