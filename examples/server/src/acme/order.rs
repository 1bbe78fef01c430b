//! What is said to an authority for one certificate (RFC 8555 7.3, 7.4), and whether what came is what was asked for.
//!
//! Decides neither when nor what happens to the certificate. The key of each certificate is a new one; it is made here and
//! leaves this machine never, and the account is kept before it is used for the first time.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeStatus, ChallengeType, Identifier,
    NewAccount, NewOrder, Order, OrderStatus,
};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use posthaste_tokio::tls::Identity;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::challenge::{Challenges, Posted};
use super::error::{OrderError, tidy};
use super::http::Http;
use super::stored::{Files, StoredAccount};
use crate::config::Acme;
use crate::tls::Facts;

/// An authority, and what it takes to ask it.
#[derive(Debug, Clone)]
pub(super) struct Authority {
    pub(super) acme: Acme,
    pub(super) files: Files,
    pub(super) http: Http,
    pub(super) challenges: Challenges,
}

impl Authority {
    /// Gets a certificate and keeps it.
    pub(super) async fn order(self) -> Result<Facts, OrderError> {
        let (pem, facts) = match self.certificate(self.account().await?).await {
            // The authority has forgotten the account, as one for tests does.
            Err(error) if error.is_about_the_account() => {
                tracing::warn!(%error, "the authority does not know the account: another one is made");
                self.certificate(self.new_account().await?).await
            }
            outcome => outcome,
        }?;
        let files = self.files.clone();
        blocking(move || files.write_certificate(&pem)).await?;
        Ok(facts)
    }

    /// When the authority suggests to renew a certificate, and how long that is good for (RFC 9773 4.2); `None` where it
    /// makes no suggestions.
    pub(super) async fn suggestion(&self, facts: &Facts) -> Result<Option<Suggestion>, OrderError> {
        let Some(authority_key) = &facts.authority_key else { return Ok(None) };
        let Some(kept) = self.kept_account().await? else { return Ok(None) };
        let account = self.builder().from_credentials(kept.credentials).await?;
        let certificate =
            CertificateIdentifier::new(authority_key.as_slice().into(), facts.serial.as_slice().into());
        let (info, good_for) = match account.renewal_info(&certificate).await {
            Err(instant_acme::Error::Unsupported(_)) => return Ok(None),
            answer => answer?,
        };
        let window = &info.suggested_window;
        let moment = |seconds: i64| Timestamp::from_second(seconds).map_err(OrderError::unusable);
        let (start, end) = (moment(window.start.unix_timestamp())?, moment(window.end.unix_timestamp())?);
        Ok(Some(Suggestion { start, end, good_for }))
    }

    /// The account there is, or a new one.
    async fn account(&self) -> Result<Account, OrderError> {
        let Some(mut kept) = self.kept_account().await? else { return self.new_account().await };
        let account = self.builder().from_credentials(copy(&kept)?).await?;
        let contact = self.contact();
        if kept.contact != contact {
            account.update_contacts(&texts(&contact)).await?;
            kept.contact = contact;
            self.keep(kept).await?;
        }
        Ok(account)
    }

    async fn new_account(&self) -> Result<Account, OrderError> {
        let contact = self.contact();
        let new = NewAccount {
            contact: &texts(&contact),
            // The configuration says so, or there would be none.
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let authority = self.acme.directory.to_string();
        let (account, credentials) = self.builder().create(&new, authority.clone(), None).await?;
        self.keep(StoredAccount { authority, contact, credentials }).await?;
        tracing::info!(account = %tidy(account.id()), "there is an account at the authority");
        Ok(account)
    }

    async fn kept_account(&self) -> Result<Option<StoredAccount>, OrderError> {
        let files = self.files.clone();
        blocking(move || Ok(files.read_account())).await
    }

    async fn keep(&self, account: StoredAccount) -> Result<(), OrderError> {
        let files = self.files.clone();
        blocking(move || files.write_account(&account)).await
    }

    fn builder(&self) -> instant_acme::AccountBuilder {
        Account::builder_with_http(Box::new(self.http.clone()))
    }

    /// Whom the authority may write to (RFC 8555 7.3, RFC 6068).
    fn contact(&self) -> Vec<String> {
        let url = |address: &crate::directory::Address| {
            format!("mailto:{}", utf8_percent_encode(&address.to_string(), OF_MAILTO))
        };
        self.acme.contact.iter().map(url).collect()
    }

    /// The certificates and the key in PEM, and what the first certificate says of itself.
    async fn certificate(&self, account: Account) -> Result<(String, Facts), OrderError> {
        let hosts: Vec<Identifier> = self.acme.hosts.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&hosts)).await?;
        // Answers are given until the order is done or dropped.
        let _posted = self.show_hosts(&mut order).await?;
        self.settled(&mut order, &[OrderStatus::Ready, OrderStatus::Valid]).await?;
        let key = KeyPair::generate().map_err(OrderError::unusable)?;
        let mut params = CertificateParams::new(self.acme.hosts.clone()).map_err(OrderError::unusable)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(OrderError::unusable)?;
        order.finalize_csr(request.der()).await?;
        self.settled(&mut order, &[OrderStatus::Valid]).await?;
        let chain = order.certificate().await?.ok_or(OrderError::Slow(POLLING_MAX.as_secs()))?;
        self.checked(&chain, &key.serialize_pem())
    }

    /// Has the authority look at each host that it has not seen to be this server lately.
    async fn show_hosts(&self, order: &mut Order) -> Result<Vec<Posted>, OrderError> {
        let mut posted = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            let host = authorization.identifier().to_string();
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                _ => return Err(OrderError::not_shown(&host, None)),
            }
            let no_challenge = || OrderError::NoChallenge(tidy(&host));
            let mut challenge = authorization.challenge(ChallengeType::Http01).ok_or_else(no_challenge)?;
            // RFC 8555 8.3: the token is of these, or it is not one.
            let is_of_token = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
            if challenge.token.is_empty() || !challenge.token.bytes().all(is_of_token) {
                return Err(no_challenge());
            }
            posted.push(self.challenges.post(&challenge.token, challenge.key_authorization().as_str()));
            challenge.set_ready().await?;
        }
        Ok(posted)
    }

    /// Waits until an order is in one of these states.
    async fn settled(&self, order: &mut Order, wanted: &[OrderStatus]) -> Result<(), OrderError> {
        // The first look is at once.
        let (mut waited, mut wait) = (Duration::ZERO, Duration::ZERO);
        loop {
            if wanted.contains(&order.state().status) {
                return Ok(());
            }
            if order.state().status == OrderStatus::Invalid {
                return Err(explained(order).await);
            }
            if waited >= POLLING_MAX {
                return Err(OrderError::Slow(POLLING_MAX.as_secs()));
            }
            tokio::time::sleep(wait).await;
            waited = waited.saturating_add(wait);
            order.refresh().await?;
            let asked = self.http.wait().unwrap_or_default();
            wait = wait.saturating_mul(2).max(asked).clamp(POLL_MIN, POLL_MAX);
        }
    }

    /// What came, if clients can be shown it.
    fn checked(&self, chain: &str, key: &str) -> Result<(String, Facts), OrderError> {
        let provider = rustls::crypto::ring::default_provider();
        Identity::from_pem(&provider, chain.as_bytes(), key.as_bytes())
            .map_err(|error| OrderError::unusable(error.problem()))?;
        let certificate = CertificateDer::from_pem_slice(chain.as_bytes()).map_err(OrderError::unusable)?;
        let facts = Facts::of_der(&certificate).ok_or_else(|| OrderError::unusable("it can not be read"))?;
        if !facts.covers(&self.acme.hosts) {
            return Err(OrderError::unusable(format_args!("it is for {}", facts.names.join(", "))));
        }
        Ok((format!("{}\n{key}", chain.trim_end()), facts))
    }
}

/// A window in which a certificate is to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suggestion {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// After this the authority is to be asked again.
    pub(super) good_for: Duration,
}

/// Why an order is not possible any more: what the authority says of the first host it did not find.
async fn explained(order: &mut Order) -> OrderError {
    let error = order.state().error.clone();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() || authorization.status != AuthorizationStatus::Invalid {
            continue;
        }
        let mut failed = authorization.challenges.iter().filter(|one| one.status == ChallengeStatus::Invalid);
        let problem = failed.find_map(|one| one.error.as_ref()).or(error.as_ref());
        return OrderError::not_shown(&authorization.identifier().to_string(), problem);
    }
    match error {
        Some(problem) => instant_acme::Error::Api(problem).into(),
        None => OrderError::Refused { kind: "invalid".to_owned(), detail: "it does not say why".to_owned() },
    }
}

/// A copy of what gives access to an account.
fn copy(account: &StoredAccount) -> Result<instant_acme::AccountCredentials, OrderError> {
    let copy = serde_json::to_value(&account.credentials).and_then(serde_json::from_value);
    copy.map_err(|error| OrderError::File(error.to_string()))
}

fn texts(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

/// Does what waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OrderError> + Send + 'static,
) -> Result<T, OrderError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(OrderError::Broken))
}

/// What stands for itself in the URL of an address of mail.
const OF_MAILTO: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'+');

/// The second look at an order is so long after the first; each that follows, twice as long after the one before, or as
/// the authority wants it.
const POLL_MIN: Duration = Duration::from_secs(1);

/// No two looks are farther apart.
const POLL_MAX: Duration = Duration::from_secs(15);

/// So long is an order looked at.
const POLLING_MAX: Duration = Duration::from_secs(5 * 60);
