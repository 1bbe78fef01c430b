//! Many sessions in IDLE: what each costs the server, and how soon they hear of a delivery.
//!
//! An operation is one session hearing of one delivery, from before the message is submitted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::LoadError;
use crate::content::{Id, Size};
use crate::deliver::{Delivery, Sender};
use crate::histogram::Histogram;
use crate::imap::Session;
use crate::process::Watch;
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Limit, Measured, Plan};

/// Runs it; the count of the plan is that of deliveries, one after the other.
///
/// # Errors
///
/// A session cannot be opened, or there is no IDLE.
pub async fn run(plan: &Plan, target: &Target, delivery: Option<Delivery>) -> Result<Report, LoadError> {
    let watch = Watch::new(plan.pids.clone());
    let before = watch.usage();
    let begun = Instant::now();
    let setup = |index| {
        let target = target.clone();
        async move {
            let mut session = Session::open(&target, &target.accounts.name(index)).await?;
            let (exists, _) = session.select("INBOX").await?;
            session.idle().await?;
            Ok((session, exists))
        }
    };
    let sessions = workload::set_up(plan.sessions, setup).await?;
    let opened = begun.elapsed();
    // What opening the sessions needed for a moment is not what they cost.
    tokio::time::sleep(SETTLE).await;
    let after = watch.usage();

    let mut measured = Measured::default();
    let seed = delivery.as_ref().map_or(0, |delivery| delivery.seed);
    let mut acknowledged = Histogram::new();
    if let (Some(delivery), Limit::Count(count)) = (delivery, plan.limit) {
        let busy = watch.usage();
        let begun = Instant::now();
        let listeners = Listeners::start(sessions, target.accounts.count);
        let result = deliver(listeners, delivery, count, &mut measured, &mut acknowledged).await;
        if let Err(error) = result {
            measured.tally.problem(error);
        }
        measured.elapsed = begun.elapsed();
        measured.usage = busy.zip(watch.usage());
    }
    let mut report = Report::new("imap-idle", plan, seed, measured);
    report.add("opened_per_second", plan.sessions as f64 / opened.as_secs_f64().max(1e-9));
    if acknowledged.count() > 0 {
        report.add_latency("acknowledged", &acknowledged);
    }
    if let Some((before, after)) = before.zip(after) {
        let each = |kib: u64| kib as f64 / plan.sessions.max(1) as f64;
        report.add("pss_kib_per_session", each(after.pss_kib.saturating_sub(before.pss_kib)));
        report.add("rss_kib_per_session", each(after.rss_kib.saturating_sub(before.rss_kib)));
        report.add("cpu_ms_per_opening", each(1) * (after.cpu_seconds - before.cpu_seconds) * 1e3);
    }
    Ok(report)
}

/// Sessions that are listened to, each in a task of its own.
struct Listeners {
    heard: mpsc::UnboundedReceiver<(u64, u32, Instant)>,
    /// How many messages each session knows of.
    known: Vec<u32>,
    accounts: u64,
}

impl Listeners {
    fn start(sessions: Vec<(Session, u32)>, accounts: u64) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let known = sessions.iter().map(|(_, exists)| *exists).collect();
        for (index, (mut session, mut exists)) in (0_u64..).zip(sessions) {
            let tell = tell.clone();
            // A session that fails is missed by who waits for it.
            tokio::spawn(async move {
                while let Ok(when) = session.until_exists(exists.saturating_add(1)).await {
                    exists = exists.saturating_add(1);
                    if tell.send((index, exists, when)).is_err() {
                        return;
                    }
                }
            });
        }
        Self { heard, known, accounts }
    }

    /// Which sessions must hear of a message to an account.
    fn of(&self, account: u64) -> BTreeMap<u64, u32> {
        let sessions = (0_u64..).zip(&self.known);
        sessions
            .filter(|(index, _)| index % self.accounts == account)
            .map(|(index, exists)| (index, *exists))
            .collect()
    }
}

async fn deliver(
    mut listeners: Listeners,
    delivery: Delivery,
    count: u64,
    measured: &mut Measured,
    acknowledged: &mut Histogram,
) -> Result<(), LoadError> {
    let (accounts, seed) = (delivery.target.accounts.clone(), delivery.seed);
    let mut sender = Sender::open(Arc::new(delivery)).await?;
    let reached = accounts.count.min(u64::try_from(listeners.known.len()).unwrap_or(u64::MAX));
    for number in 0..count {
        let account = number.checked_rem(reached).unwrap_or(0);
        let message = Id::new(seed, number, Size::Fixed(2048)).message();
        let mut waiting = listeners.of(account);
        let begun = Instant::now();
        let taken = sender.send(&[accounts.name(account)], message).await?;
        acknowledged.record(begun.elapsed());
        if let Some(Err(said)) = taken.first() {
            measured.tally.problem(said);
            continue;
        }
        while !waiting.is_empty() {
            let Ok(heard) = timeout(HEARD_MAX, listeners.heard.recv()).await else {
                measured
                    .tally
                    .problem(format!("{} sessions did not hear of message {number}", waiting.len()));
                break;
            };
            let Some((index, exists, when)) = heard else { break };
            if waiting.remove(&index).is_none() {
                measured.tally.problem(format!(
                    "session {index} heard of {exists} messages, and there was none for it"
                ));
                continue;
            }
            measured.tally.all.record(when.saturating_duration_since(begun));
            if let Some(known) = usize::try_from(index).ok().and_then(|index| listeners.known.get_mut(index))
            {
                *known = exists;
            }
        }
    }
    sender.quit().await;
    Ok(())
}

const SETTLE: Duration = Duration::from_secs(1);

/// After so long a session does not hear of a message any more.
const HEARD_MAX: Duration = Duration::from_secs(30);
