//! Reading commands: framing, the order of the checks, and what becomes of an announced literal (RFC 9051 2.2, 4.3).
//!
//! The order is fixed: an HTTP request, the tag, the name, the state, credentials in the clear, size, and only then
//! the grammar. Where a literal is announced, all of that is decided from the text in front of it, before its first
//! octet is let in. What a well-formed command does is decided in `dispatch`.

use bytes::Bytes;

use super::extensions::Switch;
use super::head::{Head, needs};
use super::{AuthPrivacy, Poll, Server, Timer};
use crate::error::{ParseErrorKind, Violation};
use crate::frame::{Frame, FrameLimits, Memory};
use crate::parse;
use crate::parse::append::AppendStep;
use crate::session::Group;
use crate::types::{
    AppendData, Command, Condition, LiteralHeader, ParseContext, ParseLimits, ResponseCode, Tag,
    TaggedCommand,
};

impl Server {
    pub(super) fn frame_limits(&self) -> FrameLimits {
        let limits = &self.config.limits;
        if self.state.is_authenticated() {
            FrameLimits {
                line_max: limits.line_max,
                total_max: limits.command_max,
                literals_max: limits.literals_max,
                memory: Memory::Kept,
            }
        } else {
            FrameLimits {
                line_max: limits.line_preauth_max,
                total_max: limits.command_preauth_max,
                literals_max: limits.literals_max.min(PREAUTH_LITERALS_MAX),
                // Any of these lines may be LOGIN, or AUTHENTICATE with its initial response.
                memory: Memory::Wiped,
            }
        }
    }

    pub(super) fn parse_context(&self) -> ParseContext {
        let mut context = ParseContext::server();
        if self.state.is_authenticated() {
            context.limits.nesting_max = self.config.limits.nesting_max;
            context.limits.ranges_max = self.config.limits.ranges_max;
            context.limits.list_max = self.config.limits.list_max;
            context.utf8 = self.encode_context().utf8;
        } else {
            context.limits = ParseLimits::before_login();
        }
        context
    }

    pub(super) fn poll_command(&mut self) -> Poll {
        let limits = self.frame_limits();
        match self.framer.next(&limits) {
            Frame::NeedInput => {
                if self.framer.is_within() {
                    // Its beginning may have come with the line before it.
                    self.timers.arm_once(Timer::Command, self.now, self.config.limits.command_timeout);
                } else {
                    self.timers.disarm(Timer::Command);
                }
                Poll::NeedInput
            }
            Frame::Line(line) => self.command(&line),
            Frame::Literal(header) => self.literal(header, &limits),
            // The answer was given when the line was refused.
            Frame::Refused | Frame::Chunk(..) => Poll::Again,
            Frame::TooLong(words) => {
                // A tag is given back only where it tags something: the words may be no command at all.
                let head = Head::of(&words).filter(|head| needs(&head.name).is_some());
                let tag = head.as_ref().map(|head| &head.tag);
                self.bad(tag, Some(ResponseCode::TooBig), "Line too long");
                self.violation(Violation::LineTooLong { limit: limits.line_max })
            }
            Frame::Malformed(line) => {
                let tag = Head::of(&line).map(|head| head.tag);
                self.bad(tag.as_ref(), None, "No such literal length");
                self.end_if_unreadable(&Frame::Malformed(line));
                self.violation(Violation::LiteralLength)
            }
        }
    }

    /// Where a non-synchronising literal of no readable length is on its way, nobody can tell where the next command
    /// begins.
    pub(super) fn end_if_unreadable(&mut self, frame: &Frame) {
        if matches!(frame, Frame::Malformed(line) if line.ends_with(b"+}")) {
            self.bye(None, "No such literal length");
        }
    }

    /// A literal is announced: whether its octets are let in is decided by what stands before it.
    fn literal(&mut self, header: LiteralHeader, limits: &FrameLimits) -> Poll {
        if self.is_http(self.framer.so_far()) {
            return self.http();
        }
        let Some(head) = Head::of(self.framer.so_far()) else {
            return self.refuse_literal(None, header, None, "Invalid tag", Violation::Tag);
        };
        let tag = Some(&head.tag);
        let group = match self.offered(&head.name) {
            Ok(group) => group,
            Err(violation) => return self.refuse_literal(tag, header, None, UNKNOWN, violation),
        };
        if !self.state.allows(group) {
            return self.refuse_literal(tag, header, None, WRONG_STATE, Violation::WrongState);
        }
        if head.name.eq_ignore_ascii_case("LOGIN") && !self.may_send_credentials() {
            return self.refuse_credentials(&head.tag, Some(header));
        }
        if head.name.eq_ignore_ascii_case("APPEND") {
            let line = Bytes::copy_from_slice(self.framer.so_far());
            match parse::append::prefix(&line, &self.parse_context()) {
                Ok(AppendStep::Message(tag, head, header)) => {
                    return self.append(tag, head, AppendData::Literal(header));
                }
                Ok(AppendStep::Other(tag, head, data)) => return self.append(tag, head, data),
                // The literal is the mailbox name.
                Ok(AppendStep::NeedLiteral(_)) => {}
                Err(error) => {
                    let violation = Violation::Syntax(error);
                    return self.refuse_literal(tag, header, None, "Syntax error", violation);
                }
            }
        }
        if ["REPLACE", "UID REPLACE"].iter().any(|name| head.name.eq_ignore_ascii_case(name)) {
            let line = Bytes::copy_from_slice(self.framer.so_far());
            // What is not complete yet may be so behind this literal: then it is the mailbox name.
            if let Ok(parsed) = parse::command(&line, &self.parse_context()) {
                return self.replace_command(parsed, header);
            }
        }
        // RFC 5464 5: values may be of any octets. Elsewhere a literal8 is none of the grammar.
        if header.binary && !head.name.eq_ignore_ascii_case("SETMETADATA") {
            let text = "No such literal here";
            return self.refuse_literal(tag, header, None, text, Violation::NotOffered);
        }
        if self.is_past_literal_minus(&header) {
            return self.refuse_large_literal(&head.tag, header);
        }
        let max = if self.state.is_authenticated() {
            self.config.limits.literal_max
        } else {
            self.config.limits.literal_preauth_max
        };
        if header.len > max || !self.framer.has_room(&header, limits) {
            let violation = Violation::LiteralTooLong { limit: max };
            return self.refuse_literal(
                tag,
                header,
                Some(ResponseCode::TooBig),
                "Literal too long",
                violation,
            );
        }
        if header.synchronising {
            self.out.put(b"+ OK\r\n");
        }
        self.framer.keep();
        Poll::Again
    }

    fn replace_command(&mut self, parsed: TaggedCommand, header: LiteralHeader) -> Poll {
        let TaggedCommand { tag, command } = parsed;
        if self.gate(&command).is_err() {
            let code = Some(ResponseCode::UidRequired);
            return self.refuse_literal(
                Some(&tag),
                header,
                code,
                "UIDs are required",
                Violation::UidRequired,
            );
        }
        match command {
            Command::Replace(addressing, replace) => self.replace(tag, addressing, replace),
            _ => self.refuse_literal(Some(&tag), header, None, "Syntax error", Violation::UnknownCommand),
        }
    }

    /// What a command needs, where it is offered.
    fn offered(&self, name: &str) -> Result<Group, Violation> {
        match needs(name) {
            None => Err(Violation::UnknownCommand),
            Some((_, Some(switch))) if !self.config.extensions.has(switch) => Err(Violation::NotOffered),
            Some((group, _)) => Ok(group),
        }
    }

    /// Whether a literal is sent without waiting that LITERAL- says has to wait (RFC 7888 5).
    pub(super) const fn is_past_literal_minus(&self, header: &LiteralHeader) -> bool {
        let small = self.config.extensions.has(Switch::LiteralMinus);
        small && !header.synchronising && header.len > LITERAL_MINUS_MAX
    }

    pub(super) fn refuse_large_literal(&mut self, tag: &Tag, header: LiteralHeader) -> Poll {
        let violation = Violation::LiteralTooLong { limit: LITERAL_MINUS_MAX };
        let code = Some(ResponseCode::TooBig);
        self.refuse_literal(Some(tag), header, code, "Literal has to wait", violation)
    }

    /// Refuses a command at an announced literal. The octets of a non-synchronising one are on their way: few are
    /// dropped, many end the conversation (RFC 7888 4).
    pub(super) fn refuse_literal(
        &mut self,
        tag: Option<&Tag>,
        header: LiteralHeader,
        code: Option<ResponseCode>,
        text: &'static str,
        violation: Violation,
    ) -> Poll {
        let drop_max = if self.state.is_authenticated() {
            self.config.limits.drop_max
        } else {
            self.config.limits.literal_preauth_max
        };
        if !header.synchronising && header.len > drop_max {
            self.framer.refuse();
            self.bye(Some(ResponseCode::TooBig), "Literal too long");
            return self.violation(violation);
        }
        self.framer.refuse();
        self.bad(tag, code, text);
        self.violation(violation)
    }

    fn command(&mut self, line: &Bytes) -> Poll {
        self.timers.disarm(Timer::Command);
        if self.is_http(line) {
            return self.http();
        }
        let Some(head) = Head::of(line) else {
            self.bad(None, None, "Invalid tag");
            return self.violation(Violation::Tag);
        };
        let group = match self.offered(&head.name) {
            Ok(group) => group,
            Err(violation) => {
                self.bad(Some(&head.tag), None, UNKNOWN);
                return self.violation(violation);
            }
        };
        if !self.state.allows(group) {
            self.bad(Some(&head.tag), None, WRONG_STATE);
            return self.violation(Violation::WrongState);
        }
        let credentials =
            head.name.eq_ignore_ascii_case("LOGIN") || head.name.eq_ignore_ascii_case("AUTHENTICATE");
        if credentials && !self.may_send_credentials() {
            return self.refuse_credentials(&head.tag, None);
        }
        match parse::command(line, &self.parse_context()) {
            Ok(TaggedCommand { tag, command }) => {
                self.is_imap = true;
                if self.state.is_authenticated() {
                    self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
                }
                let idles = match command {
                    Command::Capability | Command::Id(_) | Command::Enable(_) => true,
                    Command::Noop => !self.state.is_authenticated(),
                    _ => false,
                };
                if !idles {
                    self.junk = 0;
                } else if self.is_junk_too_much() {
                    return Poll::Again;
                }
                self.dispatch(tag, command)
            }
            Err(error) => {
                match error.kind {
                    ParseErrorKind::MailboxName => {
                        self.tagged(
                            &head.tag,
                            Condition::No,
                            Some(ResponseCode::Cannot),
                            "No such name can be",
                        );
                    }
                    ParseErrorKind::Limit(_) => {
                        self.bad(Some(&head.tag), Some(ResponseCode::TooBig), "Too long or too deep");
                    }
                    _ => self.bad(Some(&head.tag), None, "Syntax error"),
                }
                self.violation(Violation::Syntax(error))
            }
        }
    }

    fn may_send_credentials(&self) -> bool {
        self.security.is_private() || self.config.auth_requires_tls == AuthPrivacy::NotRequired
    }

    fn refuse_credentials(&mut self, tag: &Tag, literal: Option<LiteralHeader>) -> Poll {
        let violation = Violation::PrivacyRequired;
        let Some(header) = literal else {
            self.tagged(tag, Condition::No, Some(ResponseCode::PrivacyRequired), "TLS is required");
            return self.violation(violation);
        };
        if header.synchronising || header.len <= self.config.limits.literal_preauth_max {
            self.framer.refuse();
            self.tagged(tag, Condition::No, Some(ResponseCode::PrivacyRequired), "TLS is required");
            return self.violation(violation);
        }
        self.refuse_literal(Some(tag), header, Some(ResponseCode::TooBig), "Literal too long", violation)
    }

    /// Whether this is the first line of an HTTP request, from a browser that was lured here.
    fn is_http(&self, line: &[u8]) -> bool {
        let mut words = line.split(|octet| *octet == b' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let named = HTTP_METHODS.iter().any(|name| method == name.as_bytes());
        let protocol = words.next().is_some_and(|word| word.starts_with(b"HTTP/"));
        !self.is_imap && named && (protocol || target.starts_with(b"/") || target.starts_with(b"*"))
    }

    fn http(&mut self) -> Poll {
        self.bye(None, "This is an IMAP server");
        self.violation(Violation::Http)
    }
}

const HTTP_METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"];

/// RFC 7888 5
const LITERAL_MINUS_MAX: u64 = 4096;

const UNKNOWN: &str = "Unknown command";

/// LOGIN has two arguments.
const PREAUTH_LITERALS_MAX: usize = 4;

const WRONG_STATE: &str = "Command is not possible in this state";
