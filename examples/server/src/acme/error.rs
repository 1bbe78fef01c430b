//! Why an authority has given no certificate, in words that lead to what is to be done.
//!
//! What the authority says is shown with what steers a terminal made visible, and cut where it does not end.

use instant_acme::{Error, Problem};

/// Why there is no new certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// Nothing that can be understood came from the authority.
    #[error("the authority can not be asked: {0}")]
    Unreachable(String),
    /// The authority says no.
    #[error("the authority refuses: {detail} ({kind})")]
    Refused {
        /// The type of the problem (RFC 8555 6.7), or the status of HTTP.
        kind: String,
        /// What it said.
        detail: String,
    },
    /// The authority did not find this server behind a host.
    #[error(
        "{host} was not found to be this server: {detail}: its name has to lead to this machine, and port 80 to here"
    )]
    NotShown {
        /// The host.
        host: String,
        /// What the authority said.
        detail: String,
    },
    /// The authority has shown no other way to find this server than those it does not have.
    #[error("{0}: the authority does not offer http-01, and nothing else is done here")]
    NoChallenge(String),
    /// The order did not come to its end.
    #[error("the authority has not come to an end within {0} seconds")]
    Slow(u64),
    /// What came is not what was asked for.
    #[error("the certificate that came can not be used: {0}")]
    Unusable(String),
    /// The new certificate is on the disk, but clients still see the one before.
    #[error("the new certificate is not shown yet: {0}")]
    NotUsed(String),
    /// Something can not be written.
    #[error("{0}: make room, or let the server write there")]
    File(String),
    /// The program has a mistake.
    #[error("the order broke off: this is a mistake of the program")]
    Broken,
}

impl OrderError {
    /// Whether the authority does not know the account any more.
    pub(super) fn is_about_the_account(&self) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind.ends_with(":accountDoesNotExist"))
    }

    /// What an authority has said against a host.
    pub(super) fn not_shown(host: &str, problem: Option<&Problem>) -> Self {
        let detail = problem.map_or_else(|| "it does not say why".to_owned(), words);
        Self::NotShown { host: tidy(host), detail }
    }

    pub(super) fn unusable(error: impl std::fmt::Display) -> Self {
        Self::Unusable(tidy(&error.to_string()))
    }
}

impl From<Error> for OrderError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => {
                let kind = problem.r#type.as_deref().map_or_else(|| "without a type".to_owned(), tidy);
                Self::Refused { kind, detail: words(&problem) }
            }
            other => Self::Unreachable(tidy(&other.to_string())),
        }
    }
}

/// What a problem says, with what it says of each host.
fn words(problem: &Problem) -> String {
    let of_hosts = problem.subproblems.iter().filter_map(|part| part.detail.as_deref());
    let all: Vec<&str> = problem.detail.as_deref().into_iter().chain(of_hosts).collect();
    if all.is_empty() {
        return problem.r#type.as_deref().map_or_else(|| "it does not say why".to_owned(), tidy);
    }
    tidy(&all.join("; "))
}

/// A text of the authority, fit for a log.
pub(super) fn tidy(text: &str) -> String {
    text.chars()
        .take(TEXT_MAX)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Characters of what an authority says that are shown.
const TEXT_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_01_what_an_authority_says_steers_no_terminal_and_ends() {
        let problem: Problem = serde_json::from_value(serde_json::json!({
            "type": "urn:ietf:params:acme:error:rejectedIdentifier\n",
            "detail": format!("no\u{1b}[2J\r\n{}", "x".repeat(10_000)),
        }))
        .unwrap();
        let error = OrderError::from(Error::Api(problem)).to_string();
        assert!(!error.contains(char::is_control) && error.len() < 700, "{error}");
        assert!(error.contains("no\\u{1b}[2J\\r\\n"), "{error}");
    }

    #[test]
    fn what_is_said_of_each_host_is_told() {
        let problem: Problem = serde_json::from_value(serde_json::json!({
            "type": "urn:ietf:params:acme:error:malformed",
            "subproblems": [{ "detail": "a.test is wrong" }, { "detail": "b.test too" }],
        }))
        .unwrap();
        let error = OrderError::from(Error::Api(problem));
        assert!(error.to_string().contains("a.test is wrong; b.test too"), "{error}");
        assert!(!error.is_about_the_account());
    }
}
