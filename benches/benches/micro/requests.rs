//! A signed GetSecretValue in every scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sesame::testing::crypto::asymmetric::{KeyPair, KeyPairSpec, SignatureAlgorithm};
use sesame::testing::wire::params::Pairs;
use sesame::testing::wire::signature::{AuthError, Claim, Material, Scheme, SignedRequest, claim, verify};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sm3::Sm3;

const SECRET: &str = "testsecret";
const DAY: &str = "20261124";
const REGION: &str = "cn-hangzhou";
const PARAMETERS: &str = "SecretName=app%2Fdb&VersionStage=ACSCurrent";

/// A request with everything that its scheme wants.
pub(crate) struct Example {
    query: String,
    headers: HeaderMap,
    pair: KeyPair,
    public_key: String,
}

impl Example {
    /// A request whose signature is right. What is to be signed is asked from the server's own code: its mismatch tells.
    pub(crate) fn signed(scheme: Scheme) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(7);
        let pair = KeyPair::generate(KeyPairSpec::Rsa2048, &mut random).expect("a key pair");
        let public_key = pair.public_key_pem().expect("its public key");
        let mut example = Self { query: PARAMETERS.to_owned(), headers: HeaderMap::new(), pair, public_key };
        example.sign(scheme, "00");
        let text = example.string_to_sign(scheme);
        let signature = example.signature(scheme, text.as_bytes());
        example.sign(scheme, &signature);
        example
    }

    pub(crate) fn pairs(&self) -> Pairs<'_> {
        Pairs::parse(&self.query).expect("a query")
    }

    pub(crate) fn request<'a>(&'a self, query: &'a Pairs<'a>, form: &'a Pairs<'a>) -> SignedRequest<'a> {
        SignedRequest { method: "POST", path: "/", query, form, headers: &self.headers, body: b"" }
    }

    pub(crate) fn material(&self, scheme: Scheme) -> Material<'_> {
        if scheme.uses_public_key() {
            Material::PublicKeyPem(&self.public_key)
        } else {
            Material::Secret(SECRET.as_bytes())
        }
    }

    fn string_to_sign(&self, scheme: Scheme) -> String {
        let (query, none) = (self.pairs(), Pairs::new());
        let request = self.request(&query, &none);
        let Ok(Claim::Signed(signed)) = claim(&request) else { unreachable!("it is signed") };
        match verify(&request, &signed, self.material(scheme)) {
            Err(AuthError::Mismatch(mismatch)) => mismatch.string_to_sign().to_owned(),
            other => unreachable!("a signature that is not right: {other:?}"),
        }
    }

    fn sign(&mut self, scheme: Scheme, signature: &str) {
        match scheme {
            Scheme::RpcHmacSha1 | Scheme::RpcHmacSha256 | Scheme::RpcRsaSha256 => {
                self.sign_rpc(scheme, signature)
            }
            Scheme::ClientKey => self.sign_client_key(signature),
            Scheme::Acs3HmacSha256 | Scheme::Acs3HmacSm3 | Scheme::Acs3RsaSha256 | Scheme::Acs4HmacSha256 => {
                self.sign_acs(scheme, signature);
            }
        }
    }

    fn sign_rpc(&mut self, scheme: Scheme, signature: &str) {
        let kind = if scheme == Scheme::RpcRsaSha256 { "PRIVATEKEY" } else { "" };
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        self.query = format!(
            "AccessKeyId=testid&Action=GetSecretValue&Format=JSON&{PARAMETERS}&Signature={signature}\
             &SignatureMethod={}&SignatureNonce=8f1c7c52-5d3e-4f0c-9a55-1f7d0f0c2d11&SignatureType={kind}\
             &SignatureVersion=1.0&Timestamp=2026-11-24T00%3A00%3A00Z&Version=2016-01-20",
            scheme.as_str()
        );
    }

    fn put(&mut self, headers: &[(&'static str, &str)]) {
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    fn sign_acs(&mut self, scheme: Scheme, signature: &str) {
        let hash = match scheme {
            Scheme::Acs3HmacSm3 => const_hex::encode(Sm3::digest(b"")),
            _ => const_hex::encode(Sha256::digest(b"")),
        };
        let scope = match scheme {
            Scheme::Acs4HmacSha256 => format!("/{DAY}/{REGION}/Kms/aliyun_v4_request"),
            _ => String::new(),
        };
        let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let authorization = format!(
            "{} Credential=testid{scope},SignedHeaders={names},Signature={signature}",
            scheme.as_str()
        );
        self.put(&[
            ("host", "127.0.0.1:7070"),
            ("x-acs-action", "GetSecretValue"),
            ("x-acs-content-sha256", &hash),
            ("x-acs-date", "2026-11-24T00:00:00Z"),
            ("x-acs-signature-nonce", "8f1c7c52-5d3e-4f0c-9a55-1f7d0f0c2d11"),
            ("x-acs-version", "2016-01-20"),
            ("authorization", &authorization),
        ]);
    }

    fn sign_client_key(&mut self, signature: &str) {
        self.query.clear();
        self.put(&[
            ("x-kms-acccesskeyid", "testid"),
            ("x-kms-apiname", "GetSecretValue"),
            ("x-kms-apiversion", "dkms-gcs-0.2"),
            ("x-kms-signaturemethod", "RSA_PKCS1_SHA_256"),
            ("content-sha256", &const_hex::encode_upper(Sha256::digest(b""))),
            ("content-type", "application/x-protobuf"),
            ("date", "Tue, 24 Nov 2026 00:00:00 GMT"),
            ("authorization", &format!("Bearer {signature}")),
        ]);
    }

    fn signature(&self, scheme: Scheme, text: &[u8]) -> String {
        let rpc_key = format!("{SECRET}&");
        match scheme {
            Scheme::RpcHmacSha1 => STANDARD.encode(mac::<Hmac<Sha1>>(rpc_key.as_bytes(), text)),
            Scheme::RpcHmacSha256 => STANDARD.encode(mac::<Hmac<Sha256>>(rpc_key.as_bytes(), text)),
            Scheme::RpcRsaSha256 | Scheme::ClientKey => STANDARD.encode(self.rsa(text)),
            Scheme::Acs3RsaSha256 => const_hex::encode(self.rsa(text)),
            Scheme::Acs3HmacSha256 => const_hex::encode(mac::<Hmac<Sha256>>(SECRET.as_bytes(), text)),
            Scheme::Acs3HmacSm3 => const_hex::encode(mac::<Hmac<Sm3>>(SECRET.as_bytes(), text)),
            Scheme::Acs4HmacSha256 => {
                let first = format!("aliyun_v4{SECRET}").into_bytes();
                let pieces = [DAY, REGION, "Kms", "aliyun_v4_request"];
                let derive = |key: Vec<u8>, piece: &str| mac::<Hmac<Sha256>>(&key, piece.as_bytes());
                const_hex::encode(mac::<Hmac<Sha256>>(&pieces.into_iter().fold(first, derive), text))
            }
        }
    }

    fn rsa(&self, text: &[u8]) -> Vec<u8> {
        let mut random = ChaCha20Rng::seed_from_u64(8);
        let digest = Sha256::digest(text);
        self.pair.sign(SignatureAlgorithm::RsaPkcs1Sha256, &digest, &mut random).expect("a signature")
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
