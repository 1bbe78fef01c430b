//! Answers and effects that all commands share: how a tagged response leaves, when held data is let go, and how a
//! conversation ends.

use alloc::string::String;
use core::num::NonZeroU32;

use bytes::Bytes;
use posthaste_wire::{Layer, Ticket};

use super::access::Opened;
use super::append::Delivery;
use super::enabled::{Enabled, Feature};
use super::{Asked, Event, Phase, Poll, Refusal, Server, Timer};
use crate::encode::{self, EncodeContext};
use crate::error::{ProtocolError, Violation};
use crate::session::{State, Transition};
use crate::types::{Condition, FetchItem, Response, ResponseCode, Status, Tag};

impl Server {
    pub(super) fn ask<T>(&mut self, tag: Tag, request: T) -> Asked<T> {
        let ticket = self.issue();
        // Before the answer: what the application counts there, it counts without what it has told of.
        self.release_if_possible();
        Asked { request, tag, ticket }
    }

    /// Opens a question. While the application thinks, the client cannot be late.
    pub(super) fn issue(&mut self) -> Ticket {
        self.phase = Phase::Asked;
        self.timers.disarm(Timer::Idle);
        self.timers.disarm(Timer::Command);
        self.timers.disarm(Timer::Append);
        self.tickets.issue()
    }

    /// The timers of the phase that has just begun.
    pub(super) fn arm_for_phase(&mut self) {
        if self.state.is_authenticated() {
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
        }
        if let Phase::Append(_) = self.phase {
            self.timers.arm(Timer::Append, self.now, self.config.limits.append_timeout);
        }
        if self.framer.is_within() {
            self.timers.arm_once(Timer::Command, self.now, self.config.limits.command_timeout);
        }
    }

    pub(super) fn send(&mut self, response: &Response) {
        let context = self.encode_context();
        self.out.encode(|out| encode::response(out, response, context));
    }

    /// A complete row of a message, or nothing where its items say nothing.
    pub(super) fn send_row(&mut self, number: NonZeroU32, items: &[FetchItem]) {
        let context = self.encode_context();
        let uid_only = self.is_enabled(Feature::UidOnly);
        self.out.encode(|out| {
            if uid_only {
                encode::fetch::uid_row(out, number, items, context);
            } else {
                encode::fetch::row(out, number, items, context);
            }
        });
    }

    pub(super) fn encode_context(&self) -> EncodeContext {
        let utf8 = self.is_enabled(Feature::Utf8Accept) || self.is_enabled(Feature::Imap4Rev2);
        EncodeContext { utf8, ..EncodeContext::default() }
    }

    pub(super) fn tagged(
        &mut self,
        tag: &Tag,
        condition: Condition,
        code: Option<ResponseCode>,
        text: &'static str,
    ) {
        self.in_row = false;
        // Only a command that ran may bring EXPUNGE: one that was refused could have been a FETCH.
        let may_expunge = self.phase == Phase::Asked && !self.expunge_forbidden;
        self.release(may_expunge);
        self.expunge_forbidden = false;
        self.delivery = Delivery::None;
        // A refused APPEND: what is on its way is dropped, whichever way it was refused.
        self.framer.refuse();
        let status = Status { condition, code, text: Bytes::from_static(text.as_bytes()) };
        self.send(&Response::Tagged(tag.clone(), status));
        if matches!(self.phase, Phase::Asked | Phase::AppendTail(_)) {
            self.phase = Phase::Command;
        }
        self.arm_for_phase();
    }

    pub(super) fn untagged(&mut self, condition: Condition, code: Option<ResponseCode>, text: &'static str) {
        let status = Status { condition, code, text: Bytes::from_static(text.as_bytes()) };
        self.send(&Response::Untagged(status));
    }

    pub(super) fn bad(&mut self, tag: Option<&Tag>, code: Option<ResponseCode>, text: &'static str) {
        match tag {
            Some(tag) => self.tagged(tag, Condition::Bad, code, text),
            None => self.untagged(Condition::Bad, code, text),
        }
    }

    pub(super) fn complete_ok(&mut self, tag: &Tag, code: Option<ResponseCode>, text: &'static str) {
        self.tagged(tag, Condition::Ok, code, text);
    }

    pub(super) fn complete_no(&mut self, tag: &Tag, refusal: Refusal) {
        self.tagged(tag, Condition::No, refusal.code, refusal.text);
    }

    pub(super) fn done(&mut self, tag: &Tag, text: &'static str) -> Poll {
        self.complete_ok(tag, None, text);
        Poll::Again
    }

    pub(super) fn log_in(&mut self) {
        self.state = self.state.after(Transition::LoggedIn);
        self.timers.disarm(Timer::Login);
        // Failed logins stay counted: who has one account may guess at others between two UNAUTHENTICATE.
        self.violations = 0;
    }

    /// All that a login brought is forgotten; the connection and what protects it stay (RFC 8437 3).
    pub(super) fn log_out(&mut self) {
        self.select(Transition::Deselected);
        self.state = self.state.after(Transition::Unauthenticated);
        self.held.clear();
        self.extended_list = false;
        self.enabled = Enabled::default();
        self.notify.clear();
        self.overflowed = false;
        self.timers.disarm_all();
        self.timers.arm(Timer::Login, self.now, self.config.limits.login_timeout);
    }

    pub(super) fn select(&mut self, transition: Transition) {
        self.state = self.state.after(transition);
        self.opened = Opened::default();
        self.highest_mod_seq = None;
        // It was about the mailbox that was selected before.
        self.held.retain(|update| !update.is_of_selected());
        self.resync_due = false;
        self.stalled = false;
    }

    pub(super) fn count_failed_login(&mut self) {
        self.failed_logins = self.failed_logins.saturating_add(1);
        if self.failed_logins >= self.config.limits.auth_failures_max {
            self.bye(None, "Too many failed logins");
        }
    }

    pub(super) fn begin_upgrade(&mut self, layer: Layer) {
        self.phase = Phase::UpgradeDue(layer);
    }

    /// Counts a command that brings nothing closer. Whether it was one too many, and the conversation is over.
    pub(super) fn is_junk_too_much(&mut self) -> bool {
        if self.now.saturating_since(self.junk_since) >= JUNK_WINDOW {
            self.junk_since = self.now;
            self.junk = 0;
        }
        self.junk = self.junk.saturating_add(1);
        let over = self.junk > self.config.limits.junk_commands_max;
        if over {
            self.bye(None, "Too many commands that do nothing");
        }
        over
    }

    /// Counts what the client did wrong, and ends the conversation when it was too much.
    pub(super) fn violation(&mut self, violation: Violation) -> Poll {
        self.violations = self.violations.saturating_add(1);
        let limits = &self.config.limits;
        let max =
            if self.state.is_authenticated() { limits.violations_max } else { limits.violations_preauth_max };
        if self.violations >= max && self.phase != Phase::Closed {
            self.bye(None, "Too many errors");
        }
        Poll::Event(Event::Violation(violation))
    }

    pub(super) fn greet(&mut self) {
        self.phase = Phase::Command;
        let capabilities = ResponseCode::Capability(self.capabilities());
        let text: String = [&self.config.hostname, " ready"].concat();
        let status = Status { condition: Condition::Ok, code: Some(capabilities), text: Bytes::from(text) };
        self.send(&Response::Untagged(status));
        self.arm_for_phase();
    }

    /// Tells, once, that messages which have come in part, or complete but not all of them, come to nothing.
    pub(super) fn abort_body(&mut self) {
        if self.delivery == Delivery::Incomplete {
            self.delivery = Delivery::Begun;
            self.events.push_back(Event::BodyAborted);
        }
    }

    pub(super) fn shutdown_if_idle(&mut self) {
        let idle = matches!(self.phase, Phase::Greeting | Phase::Command | Phase::Sasl(_) | Phase::Idle(_));
        if !idle || self.tickets.is_open() {
            return;
        }
        if let Some(Refusal { code, text }) = self.farewell.take() {
            self.bye(code, text);
        }
    }

    pub(super) fn bye(&mut self, code: Option<ResponseCode>, text: &'static str) {
        if self.phase != Phase::Closed {
            self.untagged(Condition::Bye, code, text);
            self.close();
        }
    }

    pub(super) fn fail(&mut self, error: ProtocolError) {
        if self.error.is_none() && self.phase != Phase::Closed {
            self.bye(None, "Protocol error");
            self.error = Some(error);
        }
    }

    pub(super) fn close(&mut self) {
        self.abort_body();
        self.state = State::Logout;
        self.phase = Phase::Closed;
        self.tickets.withdraw();
        self.timers.disarm_all();
        self.held.clear();
        self.stalled = false;
    }
}

/// See `junk_commands_max`.
const JUNK_WINDOW: core::time::Duration = core::time::Duration::from_secs(60);
