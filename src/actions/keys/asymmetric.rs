//! AsymmetricSign, AsymmetricVerify, AsymmetricEncrypt, AsymmetricDecrypt, GetPublicKey.

use std::str::FromStr;

use serde::Serialize;
use zeroize::Zeroizing;

use super::symmetric::{Ciphertext, MAX_CIPHERTEXT, Plaintext};
use super::{KEY_CODES, dry_run, no_recipient, required_base64, to_base64};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::app::keys::{EncryptionAlgorithm, PairRef, SignatureAlgorithm};
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Fields};

/// An algorithm, by the service's name of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Algorithm<T>(pub(super) T);

impl FromStr for Algorithm<SignatureAlgorithm> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = SignatureAlgorithm::ALL.into_iter().find(|a| a.name() == text);
        found
            .map(Self)
            .ok_or_else(|| Invalid::not_one_of(text, SignatureAlgorithm::ALL.map(SignatureAlgorithm::name)))
    }
}

impl FromStr for Algorithm<EncryptionAlgorithm> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = EncryptionAlgorithm::ALL.into_iter().find(|a| a.name() == text);
        found
            .map(Self)
            .ok_or_else(|| Invalid::not_one_of(text, EncryptionAlgorithm::ALL.map(EncryptionAlgorithm::name)))
    }
}

/// The longest digest that is read, in bytes; a digest of another length than the algorithm's is refused later.
const MAX_DIGEST: usize = 512;

fn pair(fields: Fields<'_>) -> Result<PairRef, ApiError> {
    Ok(PairRef { key: fields.required("KeyId")?, version: fields.required("KeyVersionId")? })
}

/// What AsymmetricSign and AsymmetricVerify are asked.
#[derive(Debug)]
pub(in crate::actions) struct SignRequest {
    pair: PairRef,
    algorithm: SignatureAlgorithm,
    digest: Vec<u8>,
    /// The signature to be verified.
    value: Vec<u8>,
    dry_run: bool,
}

impl SignRequest {
    fn decode(fields: Fields<'_>, value: Vec<u8>) -> Result<Self, ApiError> {
        let Algorithm(algorithm) = fields.required("Algorithm")?;
        Ok(Self {
            pair: pair(fields)?,
            algorithm,
            digest: required_base64(fields, "Digest", MAX_DIGEST)?,
            value,
            dry_run: fields.flag("DryRun", false)?,
        })
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Answer<T> {
    key_id: String,
    key_version_id: String,
    value: T,
}

/// Signs a digest.
pub(in crate::actions) struct AsymmetricSign;

impl Action for AsymmetricSign {
    const NAME: &'static str = "AsymmetricSign";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Digest"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = SignRequest;
    type Response = Answer<String>;

    fn decode(fields: Fields<'_>) -> Result<SignRequest, ApiError> {
        SignRequest::decode(fields, Vec::new())
    }

    async fn run(context: &Context, request: SignRequest) -> Result<Answer<String>, ApiError> {
        let keys = context.app.keys();
        let done = keys.sign(&context.scope, &request.pair, request.algorithm, &request.digest).await;
        let answer = done.map_err(ApiError::from).map(|done| Answer {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            value: to_base64(&done.result),
        });
        dry_run(request.dry_run, answer)
    }
}

/// Says whether a signature is right.
pub(in crate::actions) struct AsymmetricVerify;

impl Action for AsymmetricVerify {
    const NAME: &'static str = "AsymmetricVerify";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Digest"),
        Parameter::required("Value"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = SignRequest;
    type Response = Answer<bool>;

    fn decode(fields: Fields<'_>) -> Result<SignRequest, ApiError> {
        SignRequest::decode(fields, required_base64(fields, "Value", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: SignRequest) -> Result<Answer<bool>, ApiError> {
        let SignRequest { pair, algorithm, digest, value, dry_run: dry } = &request;
        let done = context.app.keys().verify(&context.scope, pair, *algorithm, digest, value).await;
        let answer = done.map_err(ApiError::from).map(|done| Answer {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            value: done.result,
        });
        dry_run(*dry, answer)
    }
}

/// What AsymmetricEncrypt and AsymmetricDecrypt are asked. `Debug` is not derived: the plaintext is a secret.
pub(in crate::actions) struct EncryptRequest {
    pair: PairRef,
    algorithm: EncryptionAlgorithm,
    bytes: Zeroizing<Vec<u8>>,
    dry_run: bool,
}

impl EncryptRequest {
    fn decode(fields: Fields<'_>, bytes: Vec<u8>) -> Result<Self, ApiError> {
        let bytes = Zeroizing::new(bytes);
        let Algorithm(algorithm) = fields.required("Algorithm")?;
        Ok(Self { pair: pair(fields)?, algorithm, bytes, dry_run: fields.flag("DryRun", false)? })
    }
}

/// Encrypts to a public key.
pub(in crate::actions) struct AsymmetricEncrypt;

impl Action for AsymmetricEncrypt {
    const NAME: &'static str = "AsymmetricEncrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Plaintext"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = EncryptRequest;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<EncryptRequest, ApiError> {
        EncryptRequest::decode(fields, required_base64(fields, "Plaintext", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: EncryptRequest) -> Result<Ciphertext, ApiError> {
        let keys = context.app.keys();
        let EncryptRequest { pair, algorithm, bytes, dry_run: dry } = &request;
        let done = keys.encrypt_to_public(&context.scope, pair, *algorithm, bytes).await;
        let answer = done.map_err(ApiError::from).map(|done| Ciphertext {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            ciphertext_blob: to_base64(&done.result),
        });
        dry_run(*dry, answer)
    }
}

/// Decrypts with a private key.
pub(in crate::actions) struct AsymmetricDecrypt;

impl Action for AsymmetricDecrypt {
    const NAME: &'static str = "AsymmetricDecrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("CiphertextBlob"),
        Parameter::optional("DryRun"),
        Parameter::optional("Recipient"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = EncryptRequest;
    type Response = Plaintext;

    fn decode(fields: Fields<'_>) -> Result<EncryptRequest, ApiError> {
        no_recipient(fields)?;
        EncryptRequest::decode(fields, required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: EncryptRequest) -> Result<Plaintext, ApiError> {
        let keys = context.app.keys();
        let EncryptRequest { pair, algorithm, bytes, dry_run: dry } = &request;
        let done = keys.decrypt_with_private(&context.scope, pair, *algorithm, bytes).await;
        let answer = done.map_err(ApiError::from).map(|done| Plaintext {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            plaintext: to_base64(&done.result).into(),
        });
        dry_run(*dry, answer)
    }
}

/// What GetPublicKey answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct PublicKey {
    key_id: String,
    key_version_id: String,
    public_key: String,
}

/// Tells the public key of a version, in PEM.
pub(in crate::actions) struct GetPublicKey;

impl Action for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("KeyVersionId"), Parameter::optional("DryRun")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (PairRef, bool);
    type Response = PublicKey;

    fn decode(fields: Fields<'_>) -> Result<(PairRef, bool), ApiError> {
        Ok((pair(fields)?, fields.flag("DryRun", false)?))
    }

    async fn run(context: &Context, (pair, dry): (PairRef, bool)) -> Result<PublicKey, ApiError> {
        let done = context.app.keys().public_key(&context.scope, &pair).await;
        let answer = done.map_err(ApiError::from).map(|done| PublicKey {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            public_key: done.result,
        });
        dry_run(dry, answer)
    }
}
