//! Any sequence of operations, against a model that is a few maps (security case rel_23).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/world.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod world;

use std::collections::BTreeMap;

use posthaste_server::directory::Account;
use posthaste_server::store::{Expunge, Flags, Mailbox, Role, Store, StoreError, StoreMode, SystemFlags};
use proptest::prelude::*;
use world::{World, named};

const NAMES: [&str; 3] = ["INBOX", "a", "a/b"];
const QUOTA: u64 = 400;

#[derive(Debug, Clone)]
enum Op {
    Append { to: usize, size: u8, flags: SystemFlags },
    Flags { at: usize, uids: Vec<u32>, mode: StoreMode, flags: SystemFlags },
    Expunge { at: usize, uids: Option<Vec<u32>> },
    Copy { from: usize, uids: Vec<u32>, to: usize },
    Move { from: usize, uids: Vec<u32>, to: usize },
    Create { at: usize },
    Delete { at: usize },
    Rename { from: usize, to: usize },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..NAMES.len();
    let uids = || prop::collection::vec(1..8_u32, 0..4);
    let flags = || {
        prop::sample::subsequence(vec![SystemFlags::SEEN, SystemFlags::DELETED, SystemFlags::FLAGGED], 0..=3)
            .prop_map(|flags| flags.into_iter().fold(SystemFlags::NONE, |all, flag| all | flag))
    };
    let mode = prop::sample::select(vec![StoreMode::Add, StoreMode::Remove, StoreMode::Replace]);
    prop_oneof![
        6 => (at(), 0..90_u8, flags()).prop_map(|(to, size, flags)| Op::Append { to, size, flags }),
        3 => (at(), uids(), mode, flags()).prop_map(|(at, uids, mode, flags)| Op::Flags { at, uids, mode, flags }),
        2 => (at(), prop::option::of(uids())).prop_map(|(at, uids)| Op::Expunge { at, uids }),
        3 => (at(), uids(), at()).prop_map(|(from, uids, to)| Op::Copy { from, uids, to }),
        3 => (at(), uids(), at()).prop_map(|(from, uids, to)| Op::Move { from, uids, to }),
        2 => at().prop_map(|at| Op::Create { at }),
        1 => at().prop_map(|at| Op::Delete { at }),
        1 => (at(), at()).prop_map(|(from, to)| Op::Rename { from, to }),
        1 => Just(Op::Reopen),
    ]
}

/// What a mailbox should be.
#[derive(Debug, Clone, Default)]
struct Box_ {
    messages: BTreeMap<u32, (Vec<u8>, SystemFlags)>,
    last: u32,
}

impl Box_ {
    fn add(&mut self, message: (Vec<u8>, SystemFlags)) {
        self.last += 1;
        self.messages.insert(self.last, message);
    }

    fn picked(&self, uids: &[u32]) -> Vec<u32> {
        self.messages.keys().copied().filter(|uid| uids.contains(uid)).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Model {
    boxes: BTreeMap<&'static str, Box_>,
}

impl Model {
    fn used(&self) -> u64 {
        self.boxes.values().flat_map(|b| b.messages.values()).map(|(content, _)| content.len() as u64).sum()
    }

    /// Whether the store should accept this; the model is changed as it should then be.
    fn apply(&mut self, op: &Op, serial: u8) -> bool {
        let has = |at: &usize| self.boxes.contains_key(NAMES[*at]);
        match op {
            Op::Append { to, size, flags } => {
                let fits = self.used() + u64::from(*size) <= QUOTA;
                if !has(to) || !fits {
                    return false;
                }
                self.boxes.get_mut(NAMES[*to]).unwrap().add((vec![serial; usize::from(*size)], *flags));
            }
            Op::Flags { at, uids, mode, flags } => {
                let Some(found) = self.boxes.get_mut(NAMES[*at]) else { return false };
                for uid in found.picked(uids) {
                    let old = &mut found.messages.get_mut(&uid).unwrap().1;
                    *old = match mode {
                        StoreMode::Add => *old | *flags,
                        StoreMode::Remove => old.without(*flags),
                        StoreMode::Replace => *flags,
                    };
                }
            }
            Op::Expunge { at, uids } => {
                let Some(found) = self.boxes.get_mut(NAMES[*at]) else { return false };
                found.messages.retain(|uid, (_, flags)| {
                    !flags.contains(SystemFlags::DELETED)
                        || uids.as_ref().is_some_and(|uids| !uids.contains(uid))
                });
            }
            Op::Copy { from, uids, to } | Op::Move { from, uids, to } => {
                if !has(from) || !has(to) {
                    return false;
                }
                let before = self.clone();
                let source = self.boxes.get_mut(NAMES[*from]).unwrap();
                let mut taken = Vec::new();
                for uid in source.picked(uids) {
                    taken.push(source.messages[&uid].clone());
                    if matches!(op, Op::Move { .. }) {
                        source.messages.remove(&uid);
                    }
                }
                let target = self.boxes.get_mut(NAMES[*to]).unwrap();
                taken.into_iter().for_each(|message| target.add(message));
                if self.used() > QUOTA {
                    *self = before;
                    return false;
                }
            }
            Op::Create { at } => {
                if has(at) {
                    return false;
                }
                if NAMES[*at] == "a/b" {
                    self.boxes.entry("a").or_default();
                }
                self.boxes.insert(NAMES[*at], Box_::default());
            }
            Op::Delete { at } => {
                let refused = *at == 0 || !has(at) || (NAMES[*at] == "a" && self.boxes.contains_key("a/b"));
                if refused {
                    return false;
                }
                self.boxes.remove(NAMES[*at]);
            }
            Op::Rename { from, to } => {
                if !has(from) || has(to) || (NAMES[*from] == "a" && NAMES[*to] == "a/b") {
                    return false;
                }
                if NAMES[*to] == "a/b" && !self.boxes.contains_key("a") {
                    self.boxes.insert("a", Box_::default());
                }
                if *from == 0 {
                    let mut moved = Box_::default();
                    let messages = std::mem::take(&mut self.boxes.get_mut("INBOX").unwrap().messages);
                    messages.into_values().for_each(|message| moved.add(message));
                    self.boxes.insert(NAMES[*to], moved);
                } else {
                    let moved = self.boxes.remove(NAMES[*from]).unwrap();
                    self.boxes.insert(NAMES[*to], moved);
                }
            }
            Op::Reopen => {}
        }
        true
    }
}

async fn apply(world: &mut World, account: &Account, op: &Op, serial: u8) -> Result<(), StoreError> {
    if let Op::Reopen = op {
        world.store.close().await;
        world.store = Store::open(world.data.path(), Role::Server)?;
        return Ok(());
    }
    let store = world.store.clone();
    let name = |at: usize| named(NAMES[at]);
    let find =
        async |at: usize| -> Result<Mailbox, StoreError> { store.mailbox(account.id, &name(at)).await };
    match op.clone() {
        Op::Append { to, size, flags } => {
            let mailbox = find(to).await?;
            world.append(&mailbox, &vec![serial; usize::from(size)], flags.into()).await.map(|_| ())
        }
        Op::Flags { at, uids, mode, flags } => {
            store.store_flags(find(at).await?.id, uids, mode, flags.into()).await.map(|_| ())
        }
        Op::Expunge { at, uids } => {
            let which = uids.map_or(Expunge::Deleted, Expunge::DeletedAmong);
            store.expunge(find(at).await?.id, which).await.map(|_| ())
        }
        Op::Copy { from, uids, to } => {
            store.copy(find(from).await?.id, uids, find(to).await?.id).await.map(|_| ())
        }
        Op::Move { from, uids, to } => {
            store.move_messages(find(from).await?.id, uids, find(to).await?.id).await.map(|_| ())
        }
        Op::Create { at } => store.create_mailbox(account.id, &name(at)).await.map(|_| ()),
        Op::Delete { at } => store.delete_mailbox(account.id, &name(at)).await,
        Op::Rename { from, to } => store.rename_mailbox(account.id, &name(from), &name(to)).await,
        Op::Reopen => Ok(()),
    }
}

/// The store is what the model says, down to the octets.
async fn compare(world: &World, account: &Account, model: &Model) {
    for name in NAMES {
        let found = world.store.mailbox(account.id, &named(name)).await.ok();
        assert_eq!(found.is_some(), model.boxes.contains_key(name), "{name}");
        let Some((mailbox, wanted)) = found.zip(model.boxes.get(name)) else { continue };
        let metas = world.store.snapshot(mailbox.id).await.unwrap();
        let flags: BTreeMap<u32, Flags> = metas.iter().map(|meta| (meta.uid, meta.flags.clone())).collect();
        let wanted_flags =
            wanted.messages.iter().map(|(uid, (_, flags))| (*uid, Flags::from(*flags))).collect();
        assert_eq!(flags, wanted_flags, "{name}");
        assert_eq!(mailbox.uidnext, wanted.last + 1, "{name}");
        let status = world.store.status(mailbox.id).await.unwrap();
        assert_eq!(status.messages as usize, wanted.messages.len());
        assert_eq!(
            status.size,
            wanted.messages.values().map(|(content, _)| content.len() as u64).sum::<u64>()
        );
        for (uid, (content, _)) in &wanted.messages {
            assert_eq!(&world.content(&mailbox, *uid, 0..u64::MAX).await, content, "{name} {uid}");
        }
    }
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rel_23_every_outcome_is_explained_by_the_model(ops in prop::collection::vec(op(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            let account = world.account("anna", Some(QUOTA)).await;
            let mut model = Model::default();
            model.boxes.insert("INBOX", Box_::default());
            for (op, serial) in ops.iter().zip(0_u8..) {
                let accepted = model.apply(op, serial);
                let outcome = apply(&mut world, &account, op, serial).await;
                assert_eq!(outcome.is_ok(), accepted, "{op:?}: {outcome:?}");
            }
            compare(&world, &account, &model).await;
        });
    }
}
