//! The REFERENCES algorithm (RFC 5256 3), in its six steps.
//!
//! A message is known here by its place in the list, the lowest sequence number first; parents that are named and not
//! there ("dummies") have the places behind. Prune and merge work on the parents alone; lists of children are made
//! once, at the end, from messages that are already in order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::forest::{Forest, NONE};
use crate::sort::Entry;
use crate::types::{ThreadNode, Threads};

/// Threads `entries`, which are in the order of the mailbox.
pub(super) fn references(entries: &[Entry<'_>]) -> Threads {
    let linked = Linked::new(entries);
    let mut pruned = Pruned::new(entries, &linked);
    pruned.merge();
    pruned.into_threads()
}

/// Step 1: who is whose parent.
struct Linked {
    /// For each message and each dummy.
    parents: Vec<u32>,
    child_counts: Vec<u32>,
    forest: Forest,
}

impl Linked {
    fn new(entries: &[Entry<'_>]) -> Self {
        let count = entries.len();
        let mut linked = Self {
            parents: alloc::vec![NONE; count],
            child_counts: alloc::vec![0; count],
            forest: Forest::new(count),
        };
        let mut ids: BTreeMap<&[u8], u32> = BTreeMap::new();
        for (place, entry) in places(entries) {
            // Of messages with the same id, only the first has it.
            if let Some(id) = entry.overview.message_id.as_deref() {
                ids.entry(id).or_insert(place);
            }
        }
        for (place, entry) in places(entries) {
            let mut before = NONE;
            // (A)
            for id in &entry.overview.references {
                let referred = *ids.entry(id).or_insert_with(|| linked.dummy());
                if before != NONE && linked.parent(referred) == NONE {
                    linked.link(before, referred);
                }
                before = referred;
            }
            // (B)
            if linked.parent(place) != before {
                linked.unlink(place);
                if before != NONE {
                    linked.link(before, place);
                }
            }
        }
        linked
    }

    fn dummy(&mut self) -> u32 {
        let place = u32::try_from(self.parents.len()).unwrap_or(NONE);
        self.parents.push(NONE);
        self.child_counts.push(0);
        self.forest.add();
        place
    }

    fn parent(&self, place: u32) -> u32 {
        at(&self.parents, place).unwrap_or(NONE)
    }

    /// Puts `child`, which has no parent, under `parent`, unless that makes a loop.
    fn link(&mut self, parent: u32, child: u32) {
        // Only who has children can be above another.
        let has_children = at(&self.child_counts, child).is_some_and(|count| count > 0);
        if parent == child || (has_children && self.forest.root(parent) == child) {
            return;
        }
        self.forest.link(parent, child);
        set(&mut self.parents, child, parent);
        change(&mut self.child_counts, parent, |count| *count = count.saturating_add(1));
    }

    fn unlink(&mut self, child: u32) {
        let parent = self.parent(child);
        if parent != NONE {
            self.forest.cut(child);
            set(&mut self.parents, child, NONE);
            change(&mut self.child_counts, parent, |count| *count = count.saturating_sub(1));
        }
    }

    /// Every place, each behind its parent.
    fn top_down(&self) -> Vec<u32> {
        let children = Children::new(&self.parents, all(self.parents.len()));
        let mut order: Vec<u32> =
            all(self.parents.len()).filter(|place| self.parent(*place) == NONE).collect();
        let mut next = 0_usize;
        while let Some(place) = order.get(next).copied() {
            order.extend_from_slice(children.of(place));
            next = next.saturating_add(1);
        }
        order
    }
}

/// Steps 2 to 6: the threads, and which of them are one.
struct Pruned<'a> {
    entries: &'a [Entry<'a>],
    /// For each message its parent; of a dummy, [`NONE`]: all that are left are at the top.
    parents: Vec<u32>,
    /// The places at the top, by the date of the first message in them.
    tops: Vec<Top>,
    /// For each place the dummy it has become a part of.
    merged: BTreeMap<u32, u32>,
}

#[derive(Clone, Copy)]
struct Top {
    place: u32,
    /// The message, or the first child of a dummy.
    first: u32,
}

impl<'a> Pruned<'a> {
    /// Steps 2, 3 and 4.
    fn new(entries: &'a [Entry<'a>], linked: &Linked) -> Self {
        let mut this =
            Self { entries, parents: linked.parents.clone(), tops: Vec::new(), merged: BTreeMap::new() };
        for place in linked.top_down() {
            let parent = linked.parent(place);
            // The children of a dummy go to where it is, unless it is at the top.
            if this.is_dummy(parent) && linked.parent(parent) != NONE {
                let above = this.parent(parent);
                set(&mut this.parents, place, above);
            }
        }
        let mut dummies: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for place in this.messages() {
            let parent = this.parent(place);
            if this.is_dummy(parent) {
                let (count, first) = dummies.entry(parent).or_insert((0, place));
                *count = count.saturating_add(1);
                if this.key(place) < this.key(*first) {
                    *first = place;
                }
            }
        }
        // A dummy with one child gives it its own place.
        for place in this.messages() {
            if dummies.get(&this.parent(place)).is_some_and(|(count, _)| *count == 1) {
                set(&mut this.parents, place, NONE);
            }
        }
        let messages = this.messages().filter(|place| this.parent(*place) == NONE);
        let messages = messages.map(|place| Top { place, first: place });
        let kept = dummies.iter().filter(|(_, (count, _))| *count > 1);
        let mut tops: Vec<Top> =
            messages.chain(kept.map(|(place, (_, first))| Top { place: *place, first: *first })).collect();
        tops.sort_by_key(|top| this.key(top.first));
        this.tops = tops;
        this
    }

    /// Step 5.
    fn merge(&mut self) {
        let mut table: BTreeMap<&str, u32> = BTreeMap::new();
        for top in &self.tops {
            let subject = self.subject(top.first);
            if subject.is_empty() {
                continue;
            }
            let known = table.entry(subject).or_insert(top.place);
            let replaces = self.is_dummy(top.place) || (self.is_reply(*known) && !self.is_reply(top.place));
            if !self.is_dummy(*known) && replaces {
                *known = top.place;
            }
        }
        for Top { place, first } in core::mem::take(&mut self.tops) {
            let Some(known) = table.get_mut(self.subject(first)) else { continue };
            if *known == place {
                continue;
            }
            match (self.is_dummy(*known), self.is_dummy(place)) {
                (true, true) => {
                    self.merged.insert(place, *known);
                }
                (true, false) => set(&mut self.parents, place, *known),
                (false, false) if self.is_reply(place) && !self.is_reply(*known) => {
                    set(&mut self.parents, place, *known);
                }
                (false, _) => {
                    let dummy = u32::try_from(self.parents.len()).unwrap_or(NONE);
                    self.parents.push(NONE);
                    set(&mut self.parents, place, dummy);
                    set(&mut self.parents, *known, dummy);
                    *known = dummy;
                }
            }
        }
    }

    /// Step 6.
    fn into_threads(mut self) -> Threads {
        let mut sorted: Vec<u32> = self.messages().collect();
        sorted.sort_by_key(|place| self.key(*place));
        for place in &sorted {
            if let Some(dummy) = self.merged.get(&self.parent(*place)) {
                set(&mut self.parents, *place, *dummy);
            }
        }
        // All siblings are in order, because all messages are; a dummy is where its first child is.
        let children = Children::new(&self.parents, sorted.iter().copied());
        let mut tops: Vec<u32> = Vec::new();
        for place in &sorted {
            let parent = self.parent(*place);
            if parent == NONE {
                tops.push(*place);
            } else if self.is_dummy(parent) && children.of(parent).first() == Some(place) {
                tops.push(parent);
            }
        }
        let mut nodes = Vec::with_capacity(sorted.len());
        let mut left: Vec<(u32, u32)> = tops.into_iter().rev().map(|place| (place, 0)).collect();
        while let Some((place, depth)) = left.pop() {
            nodes.push(ThreadNode { number: at(self.entries, place).map(|entry| entry.number), depth });
            left.extend(children.of(place).iter().rev().map(|child| (*child, depth.saturating_add(1))));
        }
        Threads::new(nodes)
    }

    fn messages(&self) -> impl Iterator<Item = u32> + use<> {
        all(self.entries.len())
    }

    fn parent(&self, place: u32) -> u32 {
        at(&self.parents, place).unwrap_or(NONE)
    }

    fn is_dummy(&self, place: u32) -> bool {
        place != NONE && at(self.entries, place).is_none()
    }

    /// By what messages are sorted: the sent date, then the order of the mailbox.
    fn key(&self, place: u32) -> (i64, u32) {
        (at(self.entries, place).map(|entry| entry.sent()).unwrap_or_default(), place)
    }

    fn subject(&self, place: u32) -> &'a str {
        at(self.entries, place).map(|entry| &*entry.overview.subject).unwrap_or_default()
    }

    fn is_reply(&self, place: u32) -> bool {
        at(self.entries, place).is_some_and(|entry| entry.overview.is_reply)
    }
}

/// The children of every place, in one list.
struct Children {
    starts: Vec<u32>,
    children: Vec<u32>,
}

impl Children {
    /// Of each place in `order` the parent is looked up; children of one parent stay in that order.
    fn new(parents: &[u32], order: impl Iterator<Item = u32> + Clone) -> Self {
        let mut ends = alloc::vec![0_u32; parents.len().saturating_add(1)];
        let of = |place: u32| at(parents, place).filter(|parent| *parent != NONE);
        let mut count = 0_usize;
        for parent in order.clone().filter_map(of) {
            change(&mut ends, parent, |end| *end = end.saturating_add(1));
            count = count.saturating_add(1);
        }
        let mut sum = 0_u32;
        for end in &mut ends {
            let start = sum;
            sum = sum.saturating_add(*end);
            *end = start;
        }
        let starts = ends.clone();
        let mut children = alloc::vec![NONE; count];
        for place in order {
            let Some(parent) = of(place) else { continue };
            if let Some(next) = at(&ends, parent) {
                set(&mut children, next, place);
                set(&mut ends, parent, next.saturating_add(1));
            }
        }
        Self { starts, children }
    }

    fn of(&self, place: u32) -> &[u32] {
        let start = at(&self.starts, place).map(index).unwrap_or_default();
        let end = at(&self.starts, place.saturating_add(1)).map(index).unwrap_or_default();
        self.children.get(start..end).unwrap_or_default()
    }
}

fn places<'a, 'b>(entries: &'a [Entry<'b>]) -> impl Iterator<Item = (u32, &'a Entry<'b>)> {
    (0_u32..).zip(entries)
}

/// The first `count` places.
fn all(count: usize) -> core::ops::Range<u32> {
    0..u32::try_from(count).unwrap_or(NONE)
}

fn at<T: Copy>(list: &[T], place: u32) -> Option<T> {
    list.get(index(place)).copied()
}

fn set<T>(list: &mut [T], place: u32, value: T) {
    change(list, place, |item| *item = value);
}

fn change<T>(list: &mut [T], place: u32, change: impl FnOnce(&mut T)) {
    if let Some(item) = list.get_mut(index(place)) {
        change(item);
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
