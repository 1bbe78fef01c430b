//! Two machines over a pipe in memory, with virtual time: who writes last before a cut, and what each side knows.

use posthaste_wire::{Machine, Security, Step, Time};

/// The conditions of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// The pipe delivers at most so many octets at once; at least one.
    pub segment: usize,
    /// After so many octets in both directions together the connection is cut: both sides see end of file.
    pub cut_after: Option<usize>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { segment: usize::MAX, cut_after: None }
    }
}

/// How each side of a conversation ended: closed or idle (`Ok`), or with an error in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The client's side.
    pub client: Result<(), String>,
    /// The server's side.
    pub server: Result<(), String>,
    /// How many octets passed in both directions together.
    pub octets: usize,
}

struct Side {
    /// What the machine sent and the pipe still holds.
    out: Vec<u8>,
    upgrade: Option<posthaste_wire::Upgrade>,
    ended: Option<Result<(), String>>,
    told_eof: bool,
}

/// Runs `client` and `server` against each other until both are closed or neither can go on.
///
/// `on_client` and `on_server` are given the events; they answer tokens and keep what they want to assert.
pub fn converse<C: Machine, S: Machine>(
    client: &mut C,
    server: &mut S,
    conversation: Conversation,
    mut on_client: impl FnMut(&mut C, C::Event),
    mut on_server: impl FnMut(&mut S, S::Event),
) -> Ended {
    let mut left = Side::new();
    let mut right = Side::new();
    let mut octets = 0_usize;
    let mut cut = false;
    loop {
        let mut moved = left.advance(client, &mut on_client);
        moved |= right.advance(server, &mut on_server);
        if left.upgrade.is_some() && right.upgrade.is_some() && left.out.is_empty() && right.out.is_empty() {
            left.upgrade(client);
            right.upgrade(server);
            moved = true;
        }
        if !cut {
            moved |= pass(&mut left, server, &mut octets, conversation);
            moved |= pass(&mut right, client, &mut octets, conversation);
        }
        cut |= conversation.cut_after.is_some_and(|limit| octets >= limit);
        moved |= right.eof(server, cut || left.is_over());
        moved |= left.eof(client, cut || right.is_over());
        if !moved {
            return Ended {
                client: left.ended.unwrap_or(Ok(())),
                server: right.ended.unwrap_or(Ok(())),
                octets,
            };
        }
    }
}

impl Side {
    const fn new() -> Self {
        Self { out: Vec::new(), upgrade: None, ended: None, told_eof: false }
    }

    /// Whether the machine has ended and all it sent has passed.
    fn is_over(&self) -> bool {
        self.ended.is_some() && self.out.is_empty()
    }

    fn advance<M: Machine>(&mut self, machine: &mut M, handle: &mut impl FnMut(&mut M, M::Event)) -> bool {
        let mut moved = false;
        if self.ended.is_some() || self.upgrade.is_some() {
            return moved;
        }
        loop {
            let step = machine.poll_event();
            let mut sent = false;
            while let Some(bytes) = machine.poll_transmit() {
                self.out.extend_from_slice(&bytes);
                sent = true;
            }
            moved |= sent;
            match step {
                Ok(Step::Event(event)) => {
                    handle(machine, event);
                    moved = true;
                }
                // There is room now: the machine may go on with what it has.
                Ok(Step::NeedInput) if sent => {}
                Ok(Step::NeedInput | Step::Paused) => return moved,
                Ok(Step::Upgrade(upgrade)) => {
                    self.upgrade = Some(upgrade);
                    return true;
                }
                Ok(Step::Closed) => {
                    self.ended = Some(Ok(()));
                    return true;
                }
                Err(error) => {
                    self.ended = Some(Err(error.to_string()));
                    return true;
                }
            }
        }
    }

    fn upgrade<M: Machine>(&mut self, machine: &mut M) {
        let Some(upgrade) = self.upgrade.take() else { return };
        if let Err(misuse) = machine.upgraded(Time::ZERO, upgrade, Security::Tls) {
            self.ended = Some(Err(misuse.to_string()));
        }
    }

    fn eof<M: Machine>(&mut self, machine: &mut M, over: bool) -> bool {
        if !over || self.told_eof || self.ended.is_some() {
            return false;
        }
        self.told_eof = true;
        self.upgrade = None;
        machine.handle_eof(Time::ZERO);
        true
    }
}

/// Moves one segment, or up to the cut.
fn pass<M: Machine>(from: &mut Side, to: &mut M, octets: &mut usize, conversation: Conversation) -> bool {
    let room = conversation.cut_after.map_or(usize::MAX, |limit| limit.saturating_sub(*octets));
    let count = from.out.len().min(conversation.segment.max(1)).min(room);
    if count == 0 {
        return false;
    }
    let segment: Vec<u8> = from.out.drain(..count).collect();
    *octets = octets.saturating_add(count);
    to.handle_input(Time::ZERO, &segment);
    true
}
