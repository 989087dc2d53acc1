//! Micro-benchmarks of the pure parts: decoding, signatures, sealing, encoding, decisions.
//!
//! `cd benches && cargo bench`. Everything that is measured is also looked at: a wrong result stops the run.

mod requests;

use divan::{Bencher, black_box};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use requests::Example;
use sesame::testing::crypto::{Cipher, SymmetricKey, ValueContext};
use sesame::testing::domain::writes::{MoveStage, NewSecret, PutVersion, create, move_stage, put_version};
use sesame::testing::domain::{
    DataType, Limits, Scope, Secret, SecretType, StageLabel, Tags, Timestamp, VersionId,
};
use sesame::testing::ports::{Entropy as _, OsEntropy};
use sesame::testing::wire::params::Pairs;
use sesame::testing::wire::signature::{Claim, Scheme, claim, verify};
use sesame::testing::wire::{Disclosed, Format, RequestId, encode};

/// The sizes of values: a password, a certificate, the longest.
const SIZES: [usize; 3] = [64, 4 * 1024, 30 * 1024];

fn main() {
    divan::main();
}

/// What stands in a request that reads, in one that writes, and in a body.
#[divan::bench_group]
mod decode {
    use super::*;

    #[divan::bench]
    fn query_of_a_read() -> Pairs<'static> {
        let query = "SecretName=app%2Fdb&VersionStage=ACSCurrent&FetchExtendedConfig=true";
        Pairs::parse(black_box(query)).expect("a query")
    }

    #[divan::bench(args = SIZES)]
    fn form_of_a_write(bencher: Bencher<'_, '_>, bytes: usize) {
        // Every fourth byte is escaped, as base64 and passwords have it.
        let form = format!("SecretName=app%2Fdb&VersionId=v1&SecretData={}", "abc%2B".repeat(bytes / 4));
        bencher.bench(|| Pairs::parse_bytes(black_box(form.as_bytes())).map(|pairs| pairs.len()));
    }

    #[divan::bench(args = SIZES)]
    fn json_of_a_write(bencher: Bencher<'_, '_>, bytes: usize) {
        let data = "abc+".repeat(bytes / 4);
        let body = format!(r#"{{"SecretName":"app/db","VersionId":"v1","SecretData":"{data}"}}"#);
        bencher.bench(|| Pairs::parse_json(black_box(body.as_bytes())).map(|pairs| pairs.len()));
    }
}

/// Reading a claim and checking its signature.
#[divan::bench_group]
mod signature {
    use super::*;

    const SCHEMES: [&str; 8] = [
        "HMAC-SHA1",
        "HMAC-SHA256",
        "SHA256withRSA",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SM3",
        "ACS3-RSA-SHA256",
        "ACS4-HMAC-SHA256",
        "RSA_PKCS1_SHA_256",
    ];
    const ALL: [Scheme; 8] = [
        Scheme::RpcHmacSha1,
        Scheme::RpcHmacSha256,
        Scheme::RpcRsaSha256,
        Scheme::Acs3HmacSha256,
        Scheme::Acs3HmacSm3,
        Scheme::Acs3RsaSha256,
        Scheme::Acs4HmacSha256,
        Scheme::ClientKey,
    ];

    #[divan::bench(args = SCHEMES)]
    fn claim_and_verify(bencher: Bencher<'_, '_>, name: &str) {
        let scheme = ALL.into_iter().find(|scheme| scheme.as_str() == name).expect("a scheme");
        let example = Example::signed(scheme);
        let query = example.pairs();
        let none = Pairs::new();
        let request = example.request(&query, &none);
        bencher.bench_local(|| {
            let Ok(Claim::Signed(signed)) = claim(black_box(&request)) else { unreachable!("it is signed") };
            verify(&request, &signed, example.material(scheme)).expect("the signature is right");
        });
    }
}

/// Values at rest.
#[divan::bench_group]
mod value {
    use super::*;

    fn cipher() -> (Cipher, Vec<u8>, ChaCha20Rng) {
        let context = ValueContext {
            account: "1000000000000001",
            region: "cn-hangzhou",
            secret_id: "0d7a2f0e-8f0b-4c53-9d3b-2f6d1f6f3c11",
            version_id: "v1",
            data_type: "text",
            data_key_id: "7c6c4a34-1b0c-4ef5-8a7e-6e4c7f0e9a55",
        };
        (Cipher::new(&SymmetricKey::from_bytes([7; 32])), context.encode(), ChaCha20Rng::seed_from_u64(7))
    }

    #[divan::bench(args = SIZES)]
    fn seal(bencher: Bencher<'_, '_>, bytes: usize) {
        let (cipher, place, mut random) = cipher();
        let plain = vec![0x5a; bytes];
        bencher.bench_local(|| cipher.seal(&place, black_box(&plain), &mut random).expect("it seals"));
    }

    #[divan::bench(args = SIZES)]
    fn open(bencher: Bencher<'_, '_>, bytes: usize) {
        let (cipher, place, mut random) = cipher();
        let sealed = cipher.seal(&place, &vec![0x5a; bytes], &mut random).expect("it seals");
        bencher.bench_local(|| cipher.open(&place, black_box(sealed.as_bytes())).expect("it opens"));
    }
}

/// The answer of GetSecretValue.
#[divan::bench_group]
mod answer {
    use super::*;

    #[derive(serde::Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Stages {
        version_stage: Vec<String>,
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Value {
        secret_name: String,
        secret_type: &'static str,
        secret_data: Disclosed,
        secret_data_type: &'static str,
        version_id: String,
        version_stages: Stages,
        create_time: String,
    }

    fn bench(bencher: Bencher<'_, '_>, format: Format, bytes: usize) {
        let value = Value {
            secret_name: "app/db".to_owned(),
            secret_type: "Generic",
            secret_data: Disclosed::from("abc+".repeat(bytes / 4)),
            secret_data_type: "text",
            version_id: "v1".to_owned(),
            version_stages: Stages { version_stage: vec!["ACSCurrent".to_owned()] },
            create_time: "2026-11-24T00:00:00Z".to_owned(),
        };
        let id = RequestId::new(OsEntropy.uuid());
        bencher.bench_local(|| {
            encode::success(format, "GetSecretValue", id, black_box(&value)).expect("it is encoded")
        });
    }

    #[divan::bench(args = SIZES)]
    fn json(bencher: Bencher<'_, '_>, bytes: usize) {
        bench(bencher, Format::Json, bytes);
    }

    #[divan::bench(args = SIZES)]
    fn xml(bencher: Bencher<'_, '_>, bytes: usize) {
        bench(bencher, Format::Xml, bytes);
    }
}

/// Decisions on a secret that has all its ten versions, and the state after them.
#[divan::bench_group]
mod decision {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_500_000_000);

    fn version(number: usize) -> VersionId {
        format!("v{number}").parse().expect("a version id")
    }

    fn put(number: usize) -> PutVersion {
        let stages = vec![StageLabel::current()];
        PutVersion { version: version(number), data_type: DataType::Text, stages, same_value: None }
    }

    fn full() -> Secret {
        let new = NewSecret {
            id: "0d7a2f0e-8f0b-4c53-9d3b-2f6d1f6f3c11".parse().expect("an id"),
            scope: Scope {
                account: "1000000000000001".parse().expect("an account"),
                region: "cn-hangzhou".parse().expect("a region"),
            },
            name: "app/db".parse().expect("a name"),
            description: String::new(),
            encryption_key: None,
            secret_type: SecretType::Generic,
            version: version(1),
            previous: None,
            data_type: DataType::Text,
            tags: Tags::default(),
            policy: None,
            managed: None,
        };
        let mut secret = create(new, NOW).expect("created").created().expect("a secret");
        for number in 2..=10 {
            let change = put_version(&secret, put(number), &Limits::default(), NOW).expect("put");
            secret = secret.after(&change.expect("a change")).expect("a secret");
        }
        secret
    }

    #[divan::bench]
    fn put_version_with_eviction(bencher: Bencher<'_, '_>) {
        let secret = full();
        bencher.with_inputs(|| put(11)).bench_local_values(|put| {
            put_version(black_box(&secret), put, &Limits::default(), NOW).expect("put").expect("a change")
        });
    }

    fn rollback() -> MoveStage {
        let (from, to) = (Some(version(10)), Some(version(3)));
        MoveStage { label: StageLabel::current(), remove_from: from, move_to: to }
    }

    #[divan::bench]
    fn move_current_back(bencher: Bencher<'_, '_>) {
        let (secret, command) = (full(), rollback());
        bencher.bench_local(|| {
            move_stage(black_box(&secret), &command, &Limits::default(), NOW)
                .expect("moved")
                .expect("a change")
        });
    }

    #[divan::bench]
    fn state_after_a_put(bencher: Bencher<'_, '_>) {
        let secret = full();
        let change = put_version(&secret, put(11), &Limits::default(), NOW).expect("put").expect("a change");
        bencher.bench_local(|| black_box(&secret).after(&change).expect("a secret"));
    }
}
