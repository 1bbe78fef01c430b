//! Delivery by SMTP or LMTP: many senders at once, acknowledged messages counted, and what arrived compared with it.
//!
//! The client pipelines and sends in chunks (BDAT) where the server offers it. An operation is a message: from its
//! envelope to the last answer, and the connection too where there is one for each message.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use posthaste_smtp::Envelope;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Protocol, smtp};

use crate::LoadError;
use crate::audit::{self, Acknowledged, Ledger};
use crate::content::{Id, Size};
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan, Worker};

/// How messages are delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where, and to whom.
    pub target: Target,
    /// SMTP, submission (which logs in) or LMTP.
    pub protocol: Protocol,
    /// Where the mailboxes are read; nothing is compared without.
    pub mailboxes: Option<Target>,
    /// Of the run.
    pub seed: u64,
    /// Of the messages.
    pub size: Size,
    /// How many recipients a message has.
    pub recipients: u64,
    /// After how many messages a connection is given up; never, when 0.
    pub per_connection: u64,
    /// How many messages of each account are compared octet for octet.
    pub sample: u64,
    /// How long a front server may take to hand on what it has acknowledged.
    pub patience: Duration,
}

/// A sender, and the connection it has.
#[derive(Debug)]
pub struct Sender {
    delivery: Arc<Delivery>,
    client: Option<smtp::Client>,
    sent: u64,
}

/// Runs it.
///
/// # Errors
///
/// No connection can be made, or the mailboxes cannot be read.
pub async fn run(plan: &Plan, delivery: Delivery, ledger: Option<Arc<Ledger>>) -> Result<Report, LoadError> {
    let delivery = Arc::new(delivery);
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let measured = workload::run(
        plan,
        |_| Sender::open(Arc::clone(&delivery)),
        |worker, sender| work(worker, sender, Arc::clone(&acknowledged), ledger.clone()),
    )
    .await?;
    let mut report = Report::new(name(delivery.protocol), plan, delivery.seed, measured);
    let Some(mailboxes) = &delivery.mailboxes else {
        report.add("compared", "nothing: no mailboxes are named");
        return Ok(report);
    };
    let begun = Instant::now();
    let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let audit = audit::audit(mailboxes, &acknowledged, delivery.sample, delivery.patience).await?;
    report.add("audit_seconds", begun.elapsed().as_secs_f64());
    add(&mut report, &audit);
    Ok(report)
}

/// Adds what an audit found.
pub fn add(report: &mut Report, audit: &audit::Audit) {
    for (name, count) in
        [("found", audit.found), ("compared", audit.compared), ("unacknowledged", audit.unacknowledged)]
    {
        report.add(name, count);
    }
    for (name, found) in [("lost", &audit.lost), ("doubled", &audit.doubled), ("changed", &audit.changed)] {
        report.add(name, found.len());
    }
    for problem in audit.problems() {
        report.problem(problem);
    }
}

async fn work(
    worker: Worker,
    mut sender: Sender,
    acknowledged: Arc<Mutex<Acknowledged>>,
    ledger: Option<Arc<Ledger>>,
) -> Result<(), LoadError> {
    while let Some(turn) = worker.turn() {
        let id = Id::new(sender.delivery.seed, turn, sender.delivery.size);
        let recipients = sender.delivery.recipients_of(turn);
        let message = id.message();
        let octets = message.len();
        let begun = Instant::now();
        let taken = sender.send(&recipients, message).await?;
        worker.done(begun.elapsed(), octets);
        for (recipient, taken) in recipients.into_iter().zip(taken) {
            if let Err(said) = taken {
                worker.problem(format!("{id} for {recipient}: {said}"));
                continue;
            }
            if let Some(ledger) = &ledger {
                ledger.add(&recipient, id)?;
            }
            let mut acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            acknowledged.entry(recipient).or_default().insert(id);
        }
    }
    sender.quit().await;
    Ok(())
}

impl Delivery {
    /// The accounts a message goes to; each has its share.
    fn recipients_of(&self, turn: u64) -> Vec<String> {
        let first = turn.wrapping_mul(self.recipients);
        let names = (0..self.recipients).map(|index| self.target.accounts.name(first.wrapping_add(index)));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Sender {
    /// One with a connection.
    ///
    /// # Errors
    ///
    /// No connection can be made.
    pub async fn open(delivery: Arc<Delivery>) -> Result<Self, LoadError> {
        let client = Some(connect(&delivery).await?);
        Ok(Self { delivery, client, sent: 0 })
    }

    /// Sends one message, and tells for each recipient whether the server has taken it, or its words.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub async fn send(
        &mut self,
        recipients: &[String],
        message: bytes::Bytes,
    ) -> Result<Vec<Result<(), String>>, LoadError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => connect(&self.delivery).await?,
        };
        let from = SENDER.parse().map_err(|_| LoadError::Usage(SENDER.to_owned()))?;
        let mut to = Vec::new();
        for recipient in recipients {
            let path = format!("<{recipient}>").parse();
            to.push(path.map_err(|_| LoadError::Usage(format!("{recipient} is no address")))?);
        }
        let report = client.send(Envelope::new(from, to), message).await.map_err(LoadError::connection)?;
        self.sent = self.sent.saturating_add(1);
        let limit = self.delivery.per_connection;
        if client.is_over() || (limit > 0 && self.sent.checked_rem(limit) == Some(0)) {
            // What was reported as sent is sent, whatever comes of this.
            let _ = client.quit().await;
        } else {
            self.client = Some(client);
        }
        let said = |refusal: &smtp::Refusal| format!("{refusal:?}");
        Ok(report.recipients.iter().map(|each| each.as_ref().map(drop).map_err(said)).collect())
    }

    /// Ends its session.
    pub async fn quit(mut self) {
        if let Some(client) = self.client.take() {
            let _ = client.quit().await;
        }
    }
}

async fn connect(delivery: &Delivery) -> Result<smtp::Client, LoadError> {
    let target = &delivery.target;
    let (stream, _) = target.connect(Alpn::Smtp).await?;
    let user = (delivery.protocol == Protocol::Submission).then(|| target.accounts.name(0));
    let options = target.options(Alpn::Smtp, user.as_deref())?;
    let name = CLIENT.parse().map_err(|_| LoadError::Usage(CLIENT.to_owned()))?;
    let endpoint = target.endpoint(delivery.protocol)?;
    smtp::Client::over(stream, &endpoint, name, &options).await.map_err(LoadError::connection)
}

const fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Lmtp => "lmtp",
        Protocol::Submission => "submission",
        _ => "smtp",
    }
}

const SENDER: &str = "<sender@load.example>";
const CLIENT: &str = "client.load.example";
