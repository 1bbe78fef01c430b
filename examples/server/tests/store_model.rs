//! Any sequence of operations, one after the other and several at once, against a model that is a few maps (security
//! case rel_23). What a listener is told makes the same picture after every step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::clone_on_ref_ptr,
    reason = "test code"
)]

#[path = "support/stores.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod stores;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::Poll;

use posthaste_server::store::{
    Expunge, FlagMask, Flags, KeywordMask, MailboxId, Store, StoreError, StoreFlags, StoreMode, SystemFlags,
    Undelete,
};
use proptest::prelude::*;
use stores::{ANNA, SQLITE, Stage, named, octets};

const NAMES: [&str; 3] = ["INBOX", "a", "a/b"];
const QUOTA: u64 = 400;

#[derive(Debug, Clone)]
enum Op {
    Append { to: usize, size: u8, flags: SystemFlags },
    Replace { from: usize, uid: u32, to: usize, size: u8 },
    Flags { at: usize, uids: Vec<u32>, mode: StoreMode, flags: SystemFlags, unchanged_since: Option<u64> },
    Expunge { at: usize, uids: Option<Vec<u32>> },
    Copy { from: usize, uids: Vec<u32>, to: usize },
    Move { from: usize, uids: Vec<u32>, to: usize },
    Undelete { which: Vec<usize>, to: usize },
    Create { at: usize },
    Delete { at: usize },
    Rename { from: usize, to: usize },
    Together(Vec<Op>),
    Purge,
    Reopen,
}

fn at() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

/// What may happen at the same time as others of its kind: nothing that makes or removes names.
fn mail_op() -> impl Strategy<Value = Op> {
    let uids = || prop::collection::vec(1..8_u32, 0..4);
    let flags = || {
        prop::sample::subsequence(vec![SystemFlags::SEEN, SystemFlags::DELETED, SystemFlags::FLAGGED], 0..=3)
            .prop_map(|flags| flags.into_iter().fold(SystemFlags::NONE, |all, flag| all | flag))
    };
    let mask = FlagMask { system: SystemFlags::SEEN | SystemFlags::DRAFT, keywords: KeywordMask::None };
    let modes = [StoreMode::Add, StoreMode::Remove, StoreMode::Replace, StoreMode::ReplaceWithin(mask)];
    let mode = prop::sample::select(modes.to_vec());
    let since = prop::option::weighted(0.3, 0..12_u64);
    prop_oneof![
        6 => (at(), 0..90_u8, flags()).prop_map(|(to, size, flags)| Op::Append { to, size, flags }),
        2 => (at(), 1..8_u32, at(), 0..90_u8)
            .prop_map(|(from, uid, to, size)| Op::Replace { from, uid, to, size }),
        3 => (at(), uids(), mode, flags(), since).prop_map(|(at, uids, mode, flags, unchanged_since)| {
            Op::Flags { at, uids, mode, flags, unchanged_since }
        }),
        2 => (at(), prop::option::of(uids())).prop_map(|(at, uids)| Op::Expunge { at, uids }),
        3 => (at(), uids(), at()).prop_map(|(from, uids, to)| Op::Copy { from, uids, to }),
        3 => (at(), uids(), at()).prop_map(|(from, uids, to)| Op::Move { from, uids, to }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => mail_op(),
        3 => prop::collection::vec(mail_op(), 2..6).prop_map(Op::Together),
        2 => (prop::collection::vec(0..5_usize, 0..3), at())
            .prop_map(|(which, to)| Op::Undelete { which, to }),
        2 => at().prop_map(|at| Op::Create { at }),
        1 => at().prop_map(|at| Op::Delete { at }),
        1 => (at(), at()).prop_map(|(from, to)| Op::Rename { from, to }),
        1 => Just(Op::Purge),
        1 => Just(Op::Reopen),
    ]
}

#[derive(Debug, Clone, PartialEq)]
struct Message {
    content: Vec<u8>,
    flags: SystemFlags,
    modseq: u64,
}

/// What a mailbox should be.
#[derive(Debug, Clone)]
struct Box_ {
    messages: BTreeMap<u32, Message>,
    last: u32,
    modseq: u64,
}

impl Default for Box_ {
    fn default() -> Self {
        Self { messages: BTreeMap::new(), last: 0, modseq: 1 }
    }
}

impl Box_ {
    /// Adds messages in one operation.
    fn add(&mut self, messages: Vec<Message>) {
        self.modseq += u64::from(!messages.is_empty());
        for message in messages {
            self.last += 1;
            self.messages.insert(self.last, Message { modseq: self.modseq, ..message });
        }
    }

    /// Takes messages out in one operation.
    fn take(&mut self, wanted: impl Fn(u32, &Message) -> bool) -> Vec<Message> {
        let uids: Vec<u32> =
            self.messages.iter().filter(|(uid, m)| wanted(**uid, m)).map(|(uid, _)| *uid).collect();
        self.modseq += u64::from(!uids.is_empty());
        uids.iter().filter_map(|uid| self.messages.remove(uid)).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Model {
    boxes: BTreeMap<&'static str, Box_>,
    /// Expunged messages, the latest last.
    deleted: Vec<Message>,
}

impl Model {
    fn used(&self) -> u64 {
        self.boxes.values().flat_map(|b| b.messages.values()).map(|m| m.content.len() as u64).sum()
    }

    fn get(&mut self, at: usize) -> Option<&mut Box_> {
        self.boxes.get_mut(NAMES[at])
    }

    /// Whether the store should accept this; the model is changed as it should then be.
    fn apply(&mut self, op: &Op, serial: u8) -> bool {
        let before = self.clone();
        let done = self.attempt(op, serial).is_some();
        if !done {
            *self = before;
        }
        done
    }

    /// `None` when the store should refuse it.
    fn attempt(&mut self, op: &Op, serial: u8) -> Option<()> {
        let new = |size: u8, flags| Message { content: vec![serial; usize::from(size)], flags, modseq: 0 };
        let mut limited = true;
        match op {
            Op::Append { to, size, flags } => self.get(*to)?.add(vec![new(*size, *flags)]),
            Op::Replace { from, uid, to, size } => {
                self.get(*to)?;
                let old = self.get(*from)?.take(|found, _| found == *uid);
                if old.is_empty() {
                    return None;
                }
                self.deleted.extend(old);
                self.get(*to)?.add(vec![new(*size, SystemFlags::NONE)]);
            }
            Op::Flags { at, uids, mode, flags, unchanged_since } => {
                let found = self.get(*at)?;
                let modseq = found.modseq + 1;
                for (uid, message) in &mut found.messages {
                    let newer = unchanged_since.is_some_and(|since| message.modseq > since);
                    let after = match mode {
                        StoreMode::Add => message.flags | *flags,
                        StoreMode::Remove => message.flags.without(*flags),
                        StoreMode::Replace => *flags,
                        StoreMode::ReplaceWithin(mask) => {
                            message.flags.without(mask.system) | flags.within(mask.system)
                        }
                    };
                    if uids.contains(uid) && !newer && after != message.flags {
                        (message.flags, message.modseq) = (after, modseq);
                        found.modseq = modseq;
                    }
                }
                limited = false;
            }
            Op::Expunge { at, uids } => {
                let gone = self.get(*at)?.take(|uid, message| {
                    message.flags.contains(SystemFlags::DELETED)
                        && uids.as_ref().is_none_or(|uids| uids.contains(&uid))
                });
                self.deleted.extend(gone);
                limited = false;
            }
            Op::Copy { from, uids, to } => {
                let source = self.get(*from)?;
                let copied = source
                    .messages
                    .iter()
                    .filter(|(uid, _)| uids.contains(uid))
                    .map(|(_, m)| m.clone())
                    .collect();
                self.get(*to)?.add(copied);
            }
            Op::Move { from, uids, to } => {
                self.get(*to)?;
                let moved = self.get(*from)?.take(|uid, _| uids.contains(&uid));
                self.get(*to)?.add(moved);
                limited = false;
            }
            Op::Undelete { which, to } => {
                self.get(*to)?;
                let total = self.deleted.len();
                let mut chosen: Vec<usize> = which.iter().filter_map(|n| total.checked_sub(n + 1)).collect();
                chosen.sort_unstable();
                chosen.dedup();
                let back = chosen.iter().map(|at| self.deleted[*at].clone());
                let back =
                    back.map(|m| Message { flags: m.flags.without(SystemFlags::DELETED), ..m }).collect();
                for at in chosen.iter().rev() {
                    self.deleted.remove(*at);
                }
                self.get(*to)?.add(back);
            }
            Op::Create { at } => {
                if self.get(*at).is_some() {
                    return None;
                }
                if NAMES[*at] == "a/b" {
                    self.boxes.entry("a").or_default();
                }
                self.boxes.insert(NAMES[*at], Box_::default());
            }
            Op::Delete { at } => {
                if *at == 0 || (NAMES[*at] == "a" && self.boxes.contains_key("a/b")) {
                    return None;
                }
                let gone = self.boxes.remove(NAMES[*at])?;
                self.deleted.extend(gone.messages.into_values());
            }
            Op::Rename { from, to } => {
                self.get(*from)?;
                if self.get(*to).is_some() || (NAMES[*from] == "a" && NAMES[*to] == "a/b") {
                    return None;
                }
                if NAMES[*to] == "a/b" {
                    self.boxes.entry("a").or_default();
                }
                let moved = if *from == 0 {
                    let mut moved = Box_::default();
                    moved.add(self.get(0)?.take(|_, _| true));
                    moved
                } else {
                    self.boxes.remove(NAMES[*from])?
                };
                self.boxes.insert(NAMES[*to], moved);
                limited = false;
            }
            Op::Purge => self.deleted.clear(),
            Op::Together(_) | Op::Reopen => {}
        }
        // Tidying up needs no room; whatever adds, even nothing, stays within it.
        (!limited || self.used() <= QUOTA).then_some(())
    }
}

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// Everything that comes before the one call that changes something, which the answer then makes.
async fn prepare<'a>(stage: &'a Stage, op: &Op, serial: u8) -> Result<Outcome<'a>, StoreError> {
    let store: &dyn Store = &*stage.store;
    let find = async |at: usize| -> Result<MailboxId, StoreError> {
        Ok(store.mailbox(ANNA, &named(NAMES[at])).await?.id)
    };
    let message = async |size: u8, flags: SystemFlags| {
        stage.message(&vec![serial; usize::from(size)], Flags::from(flags)).await
    };
    let room = octets(QUOTA);
    Ok(match op.clone() {
        Op::Append { to, size, flags } => {
            let (to, message) = (find(to).await?, message(size, flags).await);
            Box::pin(async move { store.append(to, room, vec![message]).await.map(drop) })
        }
        Op::Replace { from, uid, to, size } => {
            let (from, to, message) =
                (find(from).await?, find(to).await?, message(size, SystemFlags::NONE).await);
            Box::pin(async move { store.replace(from, uid, to, room, message).await.map(drop) })
        }
        Op::Flags { at, uids, mode, flags, unchanged_since } => {
            let at = find(at).await?;
            // What another operation makes untrue before this one has its turn is not believed.
            let known = if uids.len().is_multiple_of(2) {
                stores::known(&stage.store, at, &uids).await
            } else {
                None
            };
            let change = StoreFlags { uids, mode, flags: flags.into(), unchanged_since, known };
            Box::pin(async move { store.store_flags(at, change).await.map(drop) })
        }
        Op::Expunge { at, uids } => {
            let at = find(at).await?;
            let which = uids.map_or(Expunge::Deleted, Expunge::DeletedAmong);
            Box::pin(async move { store.expunge(at, which).await.map(drop) })
        }
        Op::Copy { from, uids, to } => {
            let (from, to) = (find(from).await?, find(to).await?);
            Box::pin(async move { store.copy(from, uids, to, room, FlagMask::ALL).await.map(drop) })
        }
        Op::Move { from, uids, to } => {
            let (from, to) = (find(from).await?, find(to).await?);
            Box::pin(async move { store.move_messages(from, uids, to, room, FlagMask::ALL).await.map(drop) })
        }
        Op::Undelete { which, to } => {
            let to = find(to).await?;
            let deleted = store.deleted(ANNA).await?;
            let ids = which.iter().filter_map(|n| deleted.get(*n)).map(|deleted| deleted.id).collect();
            let what = Undelete { account: ANNA, ids, to, room };
            Box::pin(async move { store.undelete(what).await.map(drop) })
        }
        Op::Create { at } => {
            Box::pin(async move { store.create_mailbox(ANNA, &named(NAMES[at]), None).await.map(drop) })
        }
        Op::Delete { at } => {
            let at = find(at).await?;
            Box::pin(async move { store.delete_mailbox(at).await })
        }
        Op::Rename { from, to } => {
            let from = find(from).await?;
            Box::pin(async move { store.rename_mailbox(from, &named(NAMES[to])).await })
        }
        Op::Purge => Box::pin(async move { store.purge(i64::MAX, u32::MAX).await.map(drop) }),
        Op::Together(_) | Op::Reopen => Box::pin(std::future::ready(Ok(()))),
    })
}

/// Asks for all in their order, then waits for all.
async fn all_at_once(mut asked: Vec<Outcome<'_>>) -> Vec<Result<(), StoreError>> {
    let mut outcomes: Vec<Option<Result<(), StoreError>>> = vec![None; asked.len()];
    std::future::poll_fn(|context| {
        for (one, outcome) in asked.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let Poll::Ready(done) = one.as_mut().poll(context)
            {
                *outcome = Some(done);
            }
        }
        if outcomes.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

async fn apply(stage: &mut Stage, model: &mut Model, op: &Op, serial: u8) {
    match op {
        Op::Reopen => stage.reopen().await,
        Op::Together(ops) => {
            let (mut accepted, mut asked) = (Vec::new(), Vec::new());
            for op in ops {
                accepted.push(model.apply(op, serial));
                asked.push(match prepare(stage, op, serial).await {
                    Ok(outcome) => outcome,
                    Err(error) => Box::pin(std::future::ready(Err(error))),
                });
            }
            let outcomes = all_at_once(asked).await;
            let done: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
            assert_eq!(done, accepted, "{ops:?}: {outcomes:?}");
        }
        op => {
            let accepted = model.apply(op, serial);
            let outcome = match prepare(stage, op, serial).await {
                Ok(outcome) => outcome.await,
                Err(error) => Err(error),
            };
            assert_eq!(outcome.is_ok(), accepted, "{op:?}: {outcome:?}");
        }
    }
}

/// The store is what the model says, down to the octets.
async fn compare(stage: &Stage, model: &Model) {
    for name in NAMES {
        let found = stage.store.mailbox(ANNA, &named(name)).await.ok();
        assert_eq!(found.is_some(), model.boxes.contains_key(name), "{name}");
        let Some((mailbox, wanted)) = found.zip(model.boxes.get(name)) else { continue };
        assert_eq!((mailbox.uidnext, mailbox.modseq), (wanted.last + 1, wanted.modseq), "{name}");
        let mut messages = BTreeMap::new();
        for meta in stage.metas(mailbox.id).await {
            let content = stage.content(meta.blob, 0..u64::MAX).await;
            let message = Message { content, flags: meta.flags.system, modseq: meta.modseq };
            messages.insert(meta.uid, message);
        }
        assert_eq!(messages, wanted.messages, "{name}");
    }
    assert_eq!(stage.store.deleted(ANNA).await.unwrap().len(), model.deleted.len());
    assert_eq!(stage.store.usage(ANNA).await.unwrap().octets, model.used());
    stage.check().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rel_23_every_outcome_is_explained_by_the_model(ops in prop::collection::vec(op(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut stage = Stage::new(SQLITE).await;
            let mut model = Model::default();
            model.boxes.insert("INBOX", Box_::default());
            for (op, serial) in ops.iter().zip(0_u8..) {
                apply(&mut stage, &mut model, op, serial).await;
                stage.compare_picture().await;
            }
            compare(&stage, &model).await;
        });
    }
}
