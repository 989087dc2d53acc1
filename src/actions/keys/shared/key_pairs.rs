//! What the actions on key pairs share.

use std::str::FromStr;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::actions::keys::shared::encoding::required_base64;
use crate::app::keys::{EncryptionAlgorithm, PairRef, SignatureAlgorithm};
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Fields};

/// An algorithm, parsed from the service's name for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::actions) struct Algorithm<T>(pub(in crate::actions) T);

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

/// The longest digest that is read, in bytes. The length that the algorithm needs is checked later.
const MAX_DIGEST: usize = 512;

pub(in crate::actions) fn pair(fields: Fields<'_>) -> Result<PairRef, ApiError> {
    Ok(PairRef { key: fields.required("KeyId")?, version: fields.required("KeyVersionId")? })
}

/// The request of AsymmetricSign and AsymmetricVerify.
#[derive(Debug)]
pub(in crate::actions) struct SignRequest {
    pub(in crate::actions) pair: PairRef,
    pub(in crate::actions) algorithm: SignatureAlgorithm,
    pub(in crate::actions) digest: Vec<u8>,
    /// The signature to verify; empty for AsymmetricSign.
    pub(in crate::actions) value: Vec<u8>,
    pub(in crate::actions) dry_run: bool,
}

impl SignRequest {
    pub(in crate::actions) fn decode(fields: Fields<'_>, value: Vec<u8>) -> Result<Self, ApiError> {
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Signed<T> {
    pub(in crate::actions) key_id: String,
    pub(in crate::actions) key_version_id: String,
    pub(in crate::actions) value: T,
}

/// The request of AsymmetricEncrypt and AsymmetricDecrypt. It does not derive `Debug`, because the plaintext is secret.
pub(in crate::actions) struct PairRequest {
    pub(in crate::actions) pair: PairRef,
    pub(in crate::actions) algorithm: EncryptionAlgorithm,
    pub(in crate::actions) bytes: Zeroizing<Vec<u8>>,
    pub(in crate::actions) dry_run: bool,
}

impl PairRequest {
    pub(in crate::actions) fn decode(fields: Fields<'_>, bytes: Vec<u8>) -> Result<Self, ApiError> {
        let bytes = Zeroizing::new(bytes);
        let Algorithm(algorithm) = fields.required("Algorithm")?;
        Ok(Self { pair: pair(fields)?, algorithm, bytes, dry_run: fields.flag("DryRun", false)? })
    }
}
