//! Validation: from the written form to the identities in force. Every error is one line that names the place and contains
//! no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rsa::pkcs8::DecodePublicKey as _;
use sha2::{Digest, Sha256};

use super::file::{AccountFile, KeyFile, ProviderFile, RoleFile, Status};
use super::{
    AccessKey, Account, BUILT_IN_KEY, FoundKey, Identities, KeyMaterial, OidcProvider, Role, User, oidc,
};
use crate::domain::AccountId;
use crate::domain::policy::{AttachedPolicy, PolicyDocument, PolicyKind, PolicyType, SYSTEM_POLICIES};

/// What is wrong in the written form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IdentityError(pub String);

fn wrong<T>(message: String) -> Result<T, IdentityError> {
    Err(IdentityError(message))
}

/// Minimum and maximum of a role's session duration, in seconds. The minimum is the default.
const SESSION_SECONDS: (u32, u32) = (3_600, 43_200);
/// Minimum, maximum and default of a token's age, in hours.
const ISSUANCE_HOURS: (u32, u32, u32) = (1, 168, 12);

impl Identities {
    /// Validates accounts. The default account always exists, and its root has the built-in key unless the account
    /// defines keys of its own.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(files: Vec<AccountFile>, default: &AccountId) -> Result<Self, IdentityError> {
        let (accounts, keys) = (BTreeMap::new(), BTreeMap::new());
        let mut all = Self { accounts, keys, deleted_keys: BTreeSet::new(), built_in_key: false };
        for file in files {
            all.add(file)?;
        }
        let of_root = |found: &FoundKey| &found.account.id == default && found.user.is_none();
        all.built_in_key = !all.keys.values().any(of_root);
        if all.built_in_key {
            let nobody = || {
                let (users, roles, providers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
                Arc::new(Account { id: default.clone(), users, roles, providers })
            };
            let account = Arc::clone(all.accounts.entry(default.clone()).or_insert_with(nobody));
            let material = KeyMaterial::Secret(BUILT_IN_KEY.into());
            let key = AccessKey { material, active: true, token: None };
            let found = FoundKey { account, user: None, key, well_known: true };
            if all.keys.insert(BUILT_IN_KEY.to_owned(), found).is_some() {
                return wrong(format!(
                    "the access key id \"{BUILT_IN_KEY}\" is built in for account {default}"
                ));
            }
        }
        Ok(all)
    }

    fn add(&mut self, file: AccountFile) -> Result<(), IdentityError> {
        let Ok(id) = file.id.parse::<AccountId>() else {
            return wrong(format!("account id \"{}\" is not 1 to 32 digits", file.id));
        };
        let place = format!("account {id}");
        let custom = custom_policies(&place, &file)?;
        let mut keys: Vec<(Option<String>, KeyFile)> =
            file.access_keys.into_iter().map(|key| (None, key)).collect();
        let mut users = BTreeMap::new();
        for user in file.users {
            let place = format!("{place} user \"{}\"", user.name);
            named(&place, &user.name)?;
            let groups = file.groups.iter().filter(|group| group.users.contains(&user.name));
            let names = user.policies.iter().chain(groups.flat_map(|group| &group.policies));
            let policies = attached(&place, names, &custom)?;
            let of_user = User { id: number("user", &id, &user.name), policies };
            keys.extend(user.access_keys.into_iter().map(|key| (Some(user.name.clone()), key)));
            if users.insert(user.name, of_user).is_some() {
                return wrong(format!("{place} is given twice"));
            }
        }
        for group in &file.groups {
            let place = format!("{place} group \"{}\"", group.name);
            named(&place, &group.name)?;
            attached(&place, group.policies.iter(), &custom)?;
            if let Some(unknown) = group.users.iter().find(|user| !users.contains_key(*user)) {
                return wrong(format!("{place}: there is no user \"{unknown}\""));
            }
        }
        let roles = unique(&place, "role", file.roles, |role| &role.name, |p, r| role(p, &id, &r, &custom))?;
        let providers =
            unique(&place, "oidc provider", file.oidc_providers, |provider| &provider.name, provider)?;
        let account = Arc::new(Account { id: id.clone(), users, roles, providers });
        for (user, key) in keys {
            self.add_key(&place, Arc::clone(&account), user, key)?;
        }
        match self.accounts.insert(id, account) {
            None => Ok(()),
            Some(_) => wrong(format!("{place} is given twice")),
        }
    }

    fn add_key(
        &mut self,
        place: &str,
        account: Arc<Account>,
        user: Option<String>,
        file: KeyFile,
    ) -> Result<(), IdentityError> {
        let well_known = file.is_well_known();
        let KeyFile { id, secret, public_key, security_token, status } = file;
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return wrong(format!("access key id \"{id}\" of {place} is not 1 to 128 printable characters"));
        }
        let material = match (secret, public_key) {
            (Some(secret), None) if secret.is_blank() => {
                return wrong(format!(
                    "access key \"{id}\": secret is empty; expected at least one character"
                ));
            }
            (Some(secret), None) => KeyMaterial::Secret(secret.into_secret()),
            (None, Some(pem)) if rsa::PublicKey::from_public_key_pem(&pem).is_err() => {
                return wrong(format!(
                    "access key \"{id}\": public_key is not an RSA public key in PEM (-----BEGIN PUBLIC KEY-----)"
                ));
            }
            (None, Some(pem)) => KeyMaterial::PublicKey(pem),
            _ => return wrong(format!("access key \"{id}\" needs either secret or public_key")),
        };
        let token = security_token.map(super::file::Hidden::into_secret);
        let key = AccessKey { material, active: status == Status::Active, token };
        match self.keys.insert(id.clone(), FoundKey { account, user, key, well_known }) {
            None => Ok(()),
            Some(_) => wrong(format!("access key id \"{id}\" is given twice")),
        }
    }
}

/// Probable mistakes in an account, one line each: actions in its policies that KMS does not have.
pub fn warnings(file: &AccountFile) -> Vec<String> {
    let mut all = Vec::new();
    for policy in &file.policies {
        let Ok(document) = PolicyDocument::parse(&policy.document.0, PolicyKind::Identity) else { continue };
        let said = |unknown| format!("account {} policy \"{}\": {unknown}", file.id, policy.name);
        all.extend(document.unknown_actions().map(said));
    }
    all
}

/// Checks the name of a user, group, role, policy or provider: 1 to 128 letters, digits and `. _ - @`.
fn named(place: &str, name: &str) -> Result<(), IdentityError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-@".contains(&b);
    if (1..=128).contains(&name.len()) && name.bytes().all(fits) {
        Ok(())
    } else {
        wrong(format!("{place}: a name is 1 to 128 letters, digits and . _ - @"))
    }
}

/// Checks a list of named items, whose names must be unique.
fn unique<F, T>(
    place: &str,
    kind: &str,
    files: Vec<F>,
    name: impl Fn(&F) -> &String,
    check: impl Fn(&str, F) -> Result<T, IdentityError>,
) -> Result<BTreeMap<String, T>, IdentityError> {
    let mut all = BTreeMap::new();
    for file in files {
        let name = name(&file).clone();
        let place = format!("{place} {kind} \"{name}\"");
        named(&place, &name)?;
        if all.insert(name, check(&place, file)?).is_some() {
            return wrong(format!("{place} is given twice"));
        }
    }
    Ok(all)
}

type Custom = BTreeMap<String, AttachedPolicy>;

fn custom_policies(place: &str, file: &AccountFile) -> Result<Custom, IdentityError> {
    let mut custom = Custom::new();
    for policy in &file.policies {
        let place = format!("{place} policy \"{}\"", policy.name);
        named(&place, &policy.name)?;
        let document = document(&place, &policy.document.0, PolicyKind::Identity)?;
        let attached = AttachedPolicy {
            name: policy.name.as_str().into(),
            policy_type: PolicyType::Custom,
            document: Arc::new(document),
        };
        if custom.insert(policy.name.clone(), attached).is_some() {
            return wrong(format!("{place} is given twice"));
        }
    }
    Ok(custom)
}

fn document(place: &str, text: &str, kind: PolicyKind) -> Result<PolicyDocument, IdentityError> {
    PolicyDocument::parse(text, kind).map_err(|error| IdentityError(format!("{place}: {error}")))
}

/// The policies with these names: the account's own, or system policies. Each is included once.
fn attached<'a>(
    place: &str,
    names: impl Iterator<Item = &'a String>,
    custom: &Custom,
) -> Result<Arc<[AttachedPolicy]>, IdentityError> {
    let names: BTreeSet<&String> = names.collect();
    let find = |name: &String| match (custom.get(name), SYSTEM_POLICIES.iter().find(|p| p.name == name)) {
        (Some(policy), _) => Ok(policy.clone()),
        (None, Some(system)) => {
            let document = document(name, system.document, PolicyKind::Identity)?;
            let (name, policy_type) = (name.as_str().into(), PolicyType::System);
            Ok(AttachedPolicy { name, policy_type, document: Arc::new(document) })
        }
        (None, None) => wrong(format!("{place}: there is no policy \"{name}\"")),
    };
    names.into_iter().map(find).collect()
}

fn role(place: &str, account: &AccountId, file: &RoleFile, custom: &Custom) -> Result<Role, IdentityError> {
    let (min, max) = SESSION_SECONDS;
    let max_session_seconds = file.max_session_seconds.unwrap_or(min);
    if !(min..=max).contains(&max_session_seconds) {
        return wrong(format!("{place}: max_session_seconds must be from {min} to {max}"));
    }
    Ok(Role {
        id: number("role", account, &file.name),
        trust: Arc::new(document(&format!("{place} trust"), &file.trust.0, PolicyKind::Trust)?),
        policies: attached(place, file.policies.iter(), custom)?,
        max_session_seconds,
    })
}

fn provider(place: &str, file: ProviderFile) -> Result<OidcProvider, IdentityError> {
    let (min, max, default) = ISSUANCE_HOURS;
    let hours = file.issuance_limit_hours.unwrap_or(default);
    if !(min..=max).contains(&hours) {
        return wrong(format!("{place}: issuance_limit_hours must be from {min} to {max}"));
    }
    if !file.issuer.starts_with("https://") || file.issuer.len() > 255 {
        return wrong(format!("{place}: issuer must be an address that begins with https://"));
    }
    if file.client_ids.is_empty() {
        return wrong(format!("{place}: client_ids is empty"));
    }
    if file.jwks_file.is_some() {
        return wrong(format!("{place}: jwks_file is for the configuration file; give jwks"));
    }
    let Some(jwks) = file.jwks else {
        return wrong(format!("{place}: jwks is missing"));
    };
    let Some(keys) = oidc::keys(&jwks.0) else {
        return wrong(format!("{place}: jwks is not a JWK set with an RSA key"));
    };
    let issuance_limit_seconds = i64::from(hours) * 3_600;
    Ok(OidcProvider { issuer: file.issuer, client_ids: file.client_ids, keys, issuance_limit_seconds })
}

/// The numeric id of a user or role: 18 digits derived from the name, so that it need not be stored.
fn number(kind: &str, account: &AccountId, name: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(format!("{kind}/{account}/{name}")).into();
    let wide = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    format!("{}", 200_000_000_000_000_000 + wide % 100_000_000_000_000_000)
}
