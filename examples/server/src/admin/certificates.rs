//! The certificates that clients are shown: listed with when they expire and are renewed, and ordered now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, ProblemKind};
use crate::acme::{Orders, RenewError};
use crate::store::Progress;
use crate::tls::{Keyring, Shown};

/// Lists the certificates that clients are shown.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {}

/// Orders a certificate now, and waits for it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Renew {}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateView {
    /// The hosts it is for.
    pub hosts: Vec<String>,
    /// Who gave it.
    pub issuer: String,
    /// Where it is from: `files`, `acme`, or `self-signed`.
    pub origin: String,
    /// From when on it is valid, in seconds since 1970.
    pub not_before: i64,
    /// Until when it is valid, in seconds since 1970.
    pub expires: i64,
    /// How its renewal stands, where the server sees to it.
    pub renewal: Option<RenewalView>,
}

/// How the renewal of a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenewalView {
    /// When the authority is asked next, in seconds since 1970.
    pub next: Option<i64>,
    /// Whether it is being asked.
    pub under_way: bool,
    /// How often it was asked in vain since it last gave a certificate.
    pub failures: u32,
    /// What went wrong last.
    pub error: Option<String>,
}

impl Operation for List {
    type Answer = Vec<CertificateView>;
    const NAME: &'static str = "certificate.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/certificates";
    const SUMMARY: &'static str = "Lists the certificates that clients are shown.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Self::Answer, Problem> {
        who.must_be_server_admin()?;
        let keyring = admin.keyring()?;
        let mut renewal = keyring.orders().map(standing);
        // The one that is ordered, or stands in for it, is the first.
        let view = |Shown { facts, origin }: Shown| CertificateView {
            hosts: facts.names,
            issuer: facts.issuer,
            origin: origin.as_str().to_owned(),
            not_before: facts.not_before.as_second(),
            expires: facts.not_after.as_second(),
            renewal: renewal.take(),
        };
        Ok(keyring.shown().into_iter().map(view).collect())
    }
}

impl Operation for Renew {
    type Answer = Vec<CertificateView>;
    const NAME: &'static str = "certificate.renew";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/certificates/renew";
    const SUMMARY: &'static str = "Orders a certificate now, and waits for it.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Self::Answer, Problem> {
        who.must_be_server_admin()?;
        let Some(orders) = admin.keyring()?.orders() else {
            let problem = Problem::new(ProblemKind::Conflict, "no authority is asked for certificates here");
            return Err(problem.remedy("write [tls.acme] in the configuration, or renew the files it names"));
        };
        orders.renew().await.map_err(|error| match error {
            RenewError::UnderWay => {
                Problem::new(ProblemKind::Conflict, error.to_string()).remedy("wait for it")
            }
            error => Problem::new(ProblemKind::Unavailable, error.to_string()),
        })?;
        List {}.run(admin, who, progress).await
    }
}

impl Admin {
    fn keyring(&self) -> Result<&Keyring, Problem> {
        self.1.as_ref().ok_or_else(|| {
            let problem = Problem::new(ProblemKind::Unavailable, "no server runs on the data directory");
            problem.remedy("start it: it is the server that runs which shows and orders certificates")
        })
    }
}

fn standing(orders: &Orders) -> RenewalView {
    let standing = orders.standing();
    RenewalView {
        next: standing.next.map(|next| next.as_second()),
        under_way: standing.is_under_way,
        failures: standing.failures,
        error: standing.error,
    }
}
