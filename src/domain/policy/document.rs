//! The grammar of policies, version "1", and its validation.

use std::collections::BTreeSet;
use std::fmt;

use super::actions;
use super::condition::{Condition, Operator};
use super::json::{self, Node, shown};
use super::pattern::Pattern;
use super::principal::Named;
use crate::domain::AccountId;

/// What a document is for. This decides on its maximum size and the elements that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to a user, group or role: at most 6,144 characters.
    Identity,
    /// Passed when a role is assumed: at most 2,048 characters.
    Session,
    /// The policy of a secret or key: at most 32,768 bytes, in the form of rule 10.1.
    Resource {
        /// The account that owns the secret or key.
        account: AccountId,
    },
    /// The trust policy of a role: at most 6,144 characters (the real limit is not published).
    Trust,
}

impl PolicyKind {
    pub(super) fn has_principals(&self) -> bool {
        matches!(self, Self::Resource { .. } | Self::Trust)
    }

    /// The elements that a statement may have.
    fn elements(&self) -> &'static [&'static str] {
        match self {
            Self::Identity | Self::Session => {
                &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]
            }
            Self::Resource { .. } => &["Sid", "Effect", "Principal", "Action", "Resource", "Condition"],
            Self::Trust => &["Sid", "Effect", "Principal", "Action", "Condition"],
        }
    }

    /// The prefix that every action must have. `None` for documents about all services.
    fn service(&self) -> Option<&'static str> {
        match self {
            Self::Identity | Self::Session => None,
            Self::Resource { .. } => Some("kms:"),
            Self::Trust => Some("sts:"),
        }
    }

    fn check_size(&self, text: &str) -> Result<(), PolicyError> {
        let (size, most, unit) = match self {
            Self::Identity | Self::Trust => (text.chars().count(), 6144, "characters"),
            Self::Session => (text.chars().count(), 2048, "characters"),
            Self::Resource { .. } => (text.len(), 32_768, "bytes"),
        };
        if size > most { fail("document", format!("longer than {most} {unit}")) } else { Ok(()) }
    }
}

/// What is wrong with a document, and where. Displayed as `Statement[1].Effect: missing`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct PolicyError {
    /// A path such as `Statement[1].Condition.StringEqual`, or `document` for the whole document.
    pub place: String,
    /// What is wrong, in a few words.
    pub problem: String,
}

type Checked<T> = Result<T, PolicyError>;

fn error(place: impl Into<String>, problem: impl Into<String>) -> PolicyError {
    PolicyError { place: place.into(), problem: problem.into() }
}

fn fail<T>(place: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(error(place, problem))
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, even if other statements allow.
    Deny,
}

/// A policy that has been parsed and validated.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    pub(super) kind: PolicyKind,
    pub(super) statements: Vec<Statement>,
}

/// A statement. It applies if all of its elements match.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    /// Each with its place, for messages. `None` in identity and session policies.
    pub(super) principals: Option<Vec<(String, Named)>>,
    pub(super) actions: Choice,
    /// `None` in trust policies, whose resource is the role.
    pub(super) resources: Option<Choice>,
    pub(super) conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    not: bool,
    patterns: Vec<Pattern>,
}

/// An action in a policy that matches no documented action, probably a typing error. The policy is valid all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAction {
    /// Its place, such as `Statement[1].Action`.
    pub place: String,
    /// The action or pattern, as written, cut to 64 characters.
    pub action: String,
    /// The documented action with the nearest spelling.
    pub nearest: Option<String>,
}

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, action, nearest } = self;
        if action.contains(['*', '?']) {
            write!(f, "{place}: no action of KMS matches \"{action}\"")?;
        } else {
            write!(f, "{place}: KMS has no action \"{action}\"")?;
        }
        match nearest {
            Some(nearest) => write!(f, "; the nearest is \"{nearest}\""),
            None => Ok(()),
        }
    }
}

impl Choice {
    /// The patterns that begin with `kms:` and match no documented action.
    fn unknown_actions(&self, statement: usize) -> impl Iterator<Item = UnknownAction> {
        let element = if self.not { "NotAction" } else { "Action" };
        self.patterns.iter().filter(|pattern| !actions::fits_any(pattern)).map(move |pattern| {
            let text = pattern.text();
            let name = text.split_once(':').map_or(text, |(_, name)| name);
            let nearest = if text.contains(['*', '?']) { None } else { actions::nearest(name) };
            UnknownAction {
                place: format!("Statement[{statement}].{element}"),
                action: text.chars().take(64).collect(),
                nearest: nearest.map(|name| format!("kms:{name}")),
            }
        })
    }

    pub(super) fn takes(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(text)) != self.not
    }
}

impl PolicyDocument {
    /// Parses and validates a policy's text (rule 10.1 for those of secrets and keys).
    ///
    /// # Errors
    /// Says where and what: not JSON, too long, nested too deeply, a member that is missing, unknown or repeated, a
    /// value of the wrong form, an operand of the wrong type, a Sid that occurs twice.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        kind.check_size(text)?;
        let root = json::read(text).map_err(|problem| error("document", problem))?;
        let members = Members::of(&root, "", &["Version", "Statement"])?;
        if members.text("Version")? != "1" {
            return fail("Version", "not \"1\"");
        }
        let statements = match members.required("Statement")? {
            object @ Node::Object(_) => vec![statement(object, "Statement", &kind)?],
            Node::List(list) if list.is_empty() => return fail("Statement", "empty"),
            Node::List(list) => {
                let read = |(i, node)| statement(node, &format!("Statement[{i}]"), &kind);
                list.iter().enumerate().map(read).collect::<Checked<Vec<_>>>()?
            }
            _ => return fail("Statement", "neither an object nor an array"),
        };
        check_sids(&statements)?;
        Ok(Self { kind, statements })
    }

    /// The actions that begin with `kms:` and that the documentation of KMS does not have.
    pub fn unknown_actions(&self) -> impl Iterator<Item = UnknownAction> {
        let statements = self.statements.iter().enumerate();
        statements.flat_map(|(n, statement)| statement.actions.unknown_actions(n))
    }

    /// Whether it is a trust policy.
    pub fn is_trust(&self) -> bool {
        self.kind == PolicyKind::Trust
    }

    /// The accounts of the document's principals, each with the place where it is named. The caller refuses accounts
    /// that do not exist.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &AccountId)> {
        let principals = self.statements.iter().filter_map(|s| s.principals.as_ref()).flatten();
        principals.filter_map(|(place, named)| Some((place.as_str(), named.account()?)))
    }
}

fn check_sids(statements: &[Statement]) -> Checked<()> {
    let mut seen = BTreeSet::new();
    for (i, statement) in statements.iter().enumerate() {
        if statement.sid.as_ref().is_some_and(|sid| !seen.insert(sid)) {
            return fail(format!("Statement[{i}].Sid"), "used by an earlier statement");
        }
    }
    Ok(())
}

fn statement(node: &Node, place: &str, kind: &PolicyKind) -> Checked<Statement> {
    let members = Members::of(node, place, kind.elements())?;
    let sid = members.get("Sid").map(|node| sid(node, &members.place("Sid"))).transpose()?;
    let effect = match members.text("Effect")? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        _ => return fail(members.place("Effect"), "neither Allow nor Deny"),
    };
    let principals = kind.has_principals().then(|| principals(&members, kind)).transpose()?;
    let actions = choice(&members, "Action", "NotAction", |text| action(text, kind))?;
    let resources = match kind {
        PolicyKind::Trust => None,
        _ => Some(choice(&members, "Resource", "NotResource", |text| resource(text, kind))?),
    };
    let conditions = match members.get("Condition") {
        None => Vec::new(),
        Some(node) => conditions(node, &members.place("Condition"))?,
    };
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

/// At most 128 letters, digits and `_/+=.@-`. Spaces are allowed too, because the default policies' Sids contain them.
fn sid(node: &Node, place: &str) -> Checked<String> {
    let Node::Text(text) = node else { return fail(place, "not a string") };
    let valid = |c: char| c.is_ascii_alphanumeric() || " _/+=.@-".contains(c);
    if (1..=128).contains(&text.len()) && text.chars().all(valid) {
        Ok(text.clone())
    } else {
        fail(place, "not 1 to 128 characters of A-Z a-z 0-9 space _ / + = . @ -")
    }
}

/// Reads whichever of two elements is present.
fn choice(
    members: &Members<'_>,
    name: &str,
    opposite: &str,
    read: impl Fn(&str) -> Result<Pattern, String>,
) -> Checked<Choice> {
    let (node, name, not) = match (members.get(name), members.get(opposite)) {
        (Some(node), None) => (node, name, false),
        (None, Some(node)) => (node, opposite, true),
        (None, None) => return fail(members.place(name), "missing"),
        (Some(_), Some(_)) => return fail(members.place(opposite), format!("beside {name}")),
    };
    let pattern = |(place, text): (String, &str)| read(text).map_err(|problem| error(place, problem));
    let patterns =
        strings(node, &members.place(name))?.into_iter().map(pattern).collect::<Checked<Vec<_>>>()?;
    Ok(Choice { not, patterns })
}

/// `*` or `<service>:<name>` with wildcards.
fn action(text: &str, kind: &PolicyKind) -> Result<Pattern, String> {
    if let Some(service) = kind.service().filter(|service| !text.starts_with(service)) {
        return Err(format!("does not begin with {service}"));
    }
    let part = |part: &str| {
        let valid = |c: char| c.is_ascii_alphanumeric() || "-_*?".contains(c);
        !part.is_empty() && part.chars().all(valid)
    };
    let valid =
        text == "*" || text.split_once(':').is_some_and(|(service, name)| part(service) && part(name));
    if valid { Ok(Pattern::any_case(text)) } else { Err("neither * nor <service>:<action>".to_owned()) }
}

/// `*` or an ARN with wildcards. In a secret policy or key policy only `*`, since it is about that secret or key.
fn resource(text: &str, kind: &PolicyKind) -> Result<Pattern, String> {
    match kind {
        PolicyKind::Resource { .. } if text != "*" => Err("not *".to_owned()),
        _ if text == "*" || text.starts_with("acs:") => Ok(Pattern::exact_case(text)),
        _ => Err("neither * nor an ARN".to_owned()),
    }
}

fn principals(members: &Members<'_>, kind: &PolicyKind) -> Checked<Vec<(String, Named)>> {
    let types: &[&str] = match kind {
        PolicyKind::Trust => &["RAM", "Service", "Federated"],
        _ => &["RAM"],
    };
    let place = members.place("Principal");
    let given = Members::of(members.required("Principal")?, &place, types)?;
    if given.entries.is_empty() {
        return fail(place, "empty");
    }
    let mut found = Vec::new();
    for (name, node) in given.entries {
        for (place, text) in strings(node, &given.place(name))? {
            let named = match (name.as_str(), kind) {
                ("RAM", _) => identity(text, kind),
                ("Service", _) => service(text),
                _ => provider(text),
            };
            found.push((place.clone(), named.map_err(|problem| error(place, problem))?));
        }
    }
    Ok(found)
}

/// `acs:ram::<account>:` followed by a form that this kind of policy allows.
fn identity(text: &str, kind: &PolicyKind) -> Result<Named, String> {
    let whole = if *kind == PolicyKind::Trust { "root" } else { "*" };
    let wrong = || {
        format!(
            "not acs:ram::<account>:{whole}, acs:ram::<account>:user/<name> or acs:ram::<account>:role/<name>"
        )
    };
    let (account, identity) = arn_of_account(text).ok_or_else(wrong)?;
    match (identity.split_once('/'), kind) {
        (Some(("user", name)), _) if is_name(name) => Ok(Named::User(account, name.to_owned())),
        (Some(("role", name)), _) if is_name(name) => Ok(Named::Role(account, name.to_owned())),
        (None, PolicyKind::Trust) if identity == whole => Ok(Named::Members(account)),
        // The example of GetKeyPolicy's answer names another account in this form.
        (None, PolicyKind::Resource { account: own }) if identity == whole && account != *own => {
            Ok(Named::Foreigners(account))
        }
        (None, PolicyKind::Resource { .. }) if identity == whole => Ok(Named::Account(account)),
        _ => Err(wrong()),
    }
}

fn service(text: &str) -> Result<Named, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    let form = text.ends_with(".aliyuncs.com") && text.chars().all(valid);
    if form {
        Ok(Named::Nobody)
    } else {
        Err("not the name of a service such as ecs.aliyuncs.com".to_owned())
    }
}

fn provider(text: &str) -> Result<Named, String> {
    let wrong = || "not the ARN of an identity provider".to_owned();
    let (account, provider) = arn_of_account(text).ok_or_else(wrong)?;
    match provider.split_once('/') {
        Some(("oidc-provider", name)) if is_name(name) => Ok(Named::Provider(account, name.to_owned())),
        Some(("saml-provider", name)) if is_name(name) => Ok(Named::Nobody),
        _ => Err(wrong()),
    }
}

fn arn_of_account(text: &str) -> Option<(AccountId, &str)> {
    let (account, rest) = text.strip_prefix("acs:ram::")?.split_once(':')?;
    Some((account.parse().ok()?, rest))
}

fn is_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    (1..=128).contains(&name.len()) && name.chars().all(valid)
}

fn conditions(node: &Node, place: &str) -> Checked<Vec<Condition>> {
    let operators = Members::any(node, place)?;
    if operators.entries.is_empty() {
        return fail(place, "empty");
    }
    let mut found = Vec::new();
    for (operator, node) in operators.entries {
        let place = operators.place(operator);
        let read = Operator::read(operator).map_err(|problem| error(&place, problem))?;
        let keys = Members::any(node, &place)?;
        if keys.entries.is_empty() {
            return fail(place, "empty");
        }
        for (key, node) in keys.entries {
            let place = keys.place(key);
            if key.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty()) {
                return fail(place, "not a condition key such as acs:SourceIp");
            }
            let (places, values): (Vec<String>, Vec<&str>) = strings(node, &place)?.into_iter().unzip();
            let condition = Condition::new(operator, read, key, &values);
            let at = |(i, problem): (usize, &str)| error(places.get(i).unwrap_or(&place), problem);
            found.push(condition.map_err(at)?);
        }
    }
    Ok(found)
}

/// The members of an object. Their names have been checked and are unique.
struct Members<'n> {
    place: String,
    entries: &'n [(String, Node)],
}

impl<'n> Members<'n> {
    /// The members of an object, which may only be those in `allowed`.
    fn of(node: &'n Node, place: &str, allowed: &[&str]) -> Checked<Self> {
        let members = Self::any(node, place)?;
        match members.entries.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
            Some((name, _)) => fail(members.place(name), "unknown element"),
            None => Ok(members),
        }
    }

    /// The members of an object with any names.
    fn any(node: &'n Node, place: &str) -> Checked<Self> {
        let Node::Object(entries) = node else {
            return fail(if place.is_empty() { "document" } else { place }, "not an object");
        };
        let members = Self { place: place.to_owned(), entries };
        let mut seen = BTreeSet::new();
        match entries.iter().find(|(name, _)| !seen.insert(name)) {
            Some((name, _)) => fail(members.place(name), "there twice"),
            None => Ok(members),
        }
    }

    fn place(&self, name: &str) -> String {
        if self.place.is_empty() { shown(name) } else { format!("{}.{}", self.place, shown(name)) }
    }

    fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(given, _)| given == name).map(|(_, node)| node)
    }

    fn required(&self, name: &str) -> Checked<&'n Node> {
        self.get(name).ok_or_else(|| error(self.place(name), "missing"))
    }

    fn text(&self, name: &str) -> Checked<&'n str> {
        match self.required(name)? {
            Node::Text(text) => Ok(text),
            _ => fail(self.place(name), "not a string"),
        }
    }
}

/// A string or an array of strings, each with its place; neither may be empty. Numbers and booleans are quoted too, as
/// documented.
fn strings<'n>(node: &'n Node, place: &str) -> Checked<Vec<(String, &'n str)>> {
    let one = |node: &'n Node, place: String| match node {
        Node::Text(text) if text.is_empty() => fail(place, "empty"),
        Node::Text(text) => Ok((place, text.as_str())),
        _ => fail(place, "not a string"),
    };
    match node {
        Node::List(list) if list.is_empty() => fail(place, "empty"),
        Node::List(list) => {
            list.iter().enumerate().map(|(i, node)| one(node, format!("{place}[{i}]"))).collect()
        }
        Node::Text(_) => Ok(vec![one(node, place.to_owned())?]),
        _ => fail(place, "neither a string nor an array of strings"),
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}
