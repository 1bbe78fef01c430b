//! What went wrong, where, and what to do about it: the same for the HTTP interface (RFC 9457) and the commands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::directory::{AddressError, DirectoryError};
use crate::store::StoreError;

/// Why something was not done (RFC 9457). Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What kind of problem it is.
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// The kind in words.
    pub title: String,
    /// The status of HTTP that goes with it.
    pub status: u16,
    /// What is wrong, and where.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Each of several things that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// One of several things that are wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// The line it is on, from 1.
    pub line: u64,
    /// What is wrong.
    pub detail: String,
}

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The request can not be understood, or something in it can not be.
    #[serde(rename = "urn:posthaste:problem:invalid")]
    Invalid,
    /// Nobody is logged in, or the password is wrong.
    #[serde(rename = "urn:posthaste:problem:unauthorized")]
    Unauthorized,
    /// Whoever is logged in may not do this.
    #[serde(rename = "urn:posthaste:problem:forbidden")]
    Forbidden,
    /// There is no such thing.
    #[serde(rename = "urn:posthaste:problem:not-found")]
    NotFound,
    /// It exists already, is in use, or has been changed by somebody else.
    #[serde(rename = "urn:posthaste:problem:conflict")]
    Conflict,
    /// A limit that somebody has set is reached.
    #[serde(rename = "urn:posthaste:problem:limit")]
    Limit,
    /// Too many failures, or too much at once: try again later.
    #[serde(rename = "urn:posthaste:problem:too-many")]
    TooMany,
    /// The server can not do it for now.
    #[serde(rename = "urn:posthaste:problem:unavailable")]
    Unavailable,
}

impl ProblemKind {
    /// The status of HTTP.
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Limit => 422,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Invalid => "The request can not be understood",
            Self::Unauthorized => "Not logged in",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not there",
            Self::Conflict => "In conflict with what is there",
            Self::Limit => "A limit is reached",
            Self::TooMany => "Too many requests",
            Self::Unavailable => "Not possible for now",
        }
    }
}

impl Problem {
    /// A problem, and where it is.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            remedy: None,
            faults: Vec::new(),
        }
    }

    /// The same, and what to do about it.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Invalid, detail)
    }

    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ProblemKind::NotFound, format!("there is no {what}"))
    }

    pub(super) fn exists(what: impl std::fmt::Display) -> Self {
        Self::new(ProblemKind::Conflict, format!("the {what} exists already"))
    }

    pub(super) fn limit(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Limit, detail)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)?;
        if let Some(remedy) = &self.remedy {
            write!(f, ": {remedy}")?;
        }
        for fault in &self.faults {
            write!(f, "\n  line {}: {}", fault.line, fault.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => error.into(),
            DirectoryError::UnusablePassword(_) => {
                Self::invalid(error.to_string()).remedy("choose another one")
            }
            DirectoryError::Busy => Self::new(ProblemKind::TooMany, error.to_string()),
            error => {
                Self::new(ProblemKind::Unavailable, error.to_string()).remedy("see the log of the server")
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NoSuchAccount | StoreError::NoSuchMailbox | StoreError::NoSuchMessage => {
                ProblemKind::NotFound
            }
            StoreError::AlreadyExists | StoreError::Conflict(_) => ProblemKind::Conflict,
            StoreError::OverQuota { .. } | StoreError::TooManyMailboxes(_) => ProblemKind::Limit,
            StoreError::Name(_) => ProblemKind::Invalid,
            _ => ProblemKind::Unavailable,
        };
        let problem = Self::new(kind, error.to_string());
        match error {
            StoreError::Conflict(_) => problem.remedy("look at it again, and try again if you still want to"),
            StoreError::Full => problem.remedy("make room on the disk of the data directory"),
            _ => problem,
        }
    }
}

impl From<AddressError> for Problem {
    fn from(error: AddressError) -> Self {
        Self::invalid(error.to_string())
    }
}
