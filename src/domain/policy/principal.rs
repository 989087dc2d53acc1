//! Callers, and how policies name them.

use crate::domain::AccountId;

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its identity in that account.
    pub identity: Identity,
}

/// The identity of a caller in its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The account itself.
    Root,
    /// A RAM user.
    User {
        /// Its name.
        name: String,
    },
    /// A session of a RAM role.
    RoleSession {
        /// The role's name.
        role: String,
        /// The name of the session.
        session: String,
    },
    /// The bearer of an identity provider's token, before it assumes a role.
    Federated {
        /// The provider's name.
        provider: String,
    },
}

impl Principal {
    /// The ARN of this caller. For a role session the form is `assumed-role/<role>/<session>`.
    pub fn arn(&self) -> String {
        match &self.identity {
            Identity::RoleSession { role, session } => {
                format!("acs:ram::{}:assumed-role/{role}/{session}", self.account)
            }
            _ => self.policy_arn(),
        }
    }

    /// The ARN by which policies name this caller, which is also the value of `acs:PrincipalARN`. For a role session it is
    /// the ARN of the role.
    pub fn policy_arn(&self) -> String {
        self.policy_arn_parts().concat()
    }

    /// The ARN of [`Principal::policy_arn`] in parts, for uses that need no string.
    pub fn policy_arn_parts(&self) -> [&str; 4] {
        let (kind, name) = match &self.identity {
            Identity::Root => (":root", ""),
            Identity::User { name } => (":user/", name.as_str()),
            Identity::RoleSession { role, .. } => (":role/", role.as_str()),
            Identity::Federated { provider } => (":oidc-provider/", provider.as_str()),
        };
        ["acs:ram::", self.account.as_str(), kind, name]
    }
}

/// An entry of a `Principal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// `acs:ram::<account>:*` of the account that owns the secret or key: the account itself.
    Account(AccountId),
    /// `acs:ram::<account>:*` of another account: every identity there that its own policies allow.
    Foreigners(AccountId),
    /// `acs:ram::<account>:root`, in trust policies: every user and role of the account.
    Members(AccountId),
    /// `acs:ram::<account>:user/<name>`.
    User(AccountId, String),
    /// `acs:ram::<account>:role/<name>`.
    Role(AccountId, String),
    /// `acs:ram::<account>:oidc-provider/<name>`, in trust policies.
    Provider(AccountId, String),
    /// A service, or a provider of another type, in trust policies. No caller here is one.
    Nobody,
}

impl Named {
    /// The account that it names, if any.
    pub(super) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(a)
            | Self::Foreigners(a)
            | Self::Members(a)
            | Self::User(a, _)
            | Self::Role(a, _)
            | Self::Provider(a, _) => Some(a),
            Self::Nobody => None,
        }
    }

    /// Whether a statement that allows (or denies, with `denies`) applies to `caller`.
    ///
    /// An account named in a secret policy means the account itself: without further statements only the owner has
    /// access, as documented in modify-a-secret-policy. Whether a Deny for the account applies to its users is not
    /// documented. Here it does, which is the safer choice.
    pub(super) fn covers(&self, caller: &Principal, denies: bool) -> bool {
        if self.account() != Some(&caller.account) {
            return false;
        }
        match (self, &caller.identity) {
            (Self::Account(_), identity) => denies || *identity == Identity::Root,
            (Self::Foreigners(_), _)
            | (Self::Members(_), Identity::User { .. } | Identity::RoleSession { .. }) => true,
            (Self::Provider(_, wanted), Identity::Federated { provider }) => wanted == provider,
            (Self::User(_, wanted), Identity::User { name }) => wanted == name,
            // RAM writes role names in lower case in ARNs, whatever the case at creation.
            (Self::Role(_, wanted), Identity::RoleSession { role, .. }) => wanted.eq_ignore_ascii_case(role),
            _ => false,
        }
    }
}
