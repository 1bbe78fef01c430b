//! What the server says, turned into events and into what the client knows (RFC 9051 7).
//!
//! Data may come at any moment, so nothing here asks which command it belongs to; it asks whether it makes sense in
//! the present state. Tagged responses are matched by their exact tag.

use crate::client::queue::{Purpose, Queued, Running, Sending, has_selected_after};
use crate::client::reader::Read;
use crate::client::setup::Phase;
use crate::client::{Client, Event, Identification, MailboxState, Peer, ProtocolError, Violation, fallback};
use crate::parse;
use crate::session::Transition;
use crate::types::{
    Capability, Command, Condition, ParseContext, Response, ResponseCode, Status, Tag, UidSet,
};
use alloc::vec::Vec;
use bytes::Bytes;

impl Client {
    /// Takes what the reader found.
    pub(crate) fn take(&mut self, read: Read) -> Result<(), ProtocolError> {
        match read {
            Read::Response(line) => return self.line(&line),
            Read::Row(number) => return self.row(Event::Row(number)),
            Read::UidRow(uid) => return self.row(Event::UidRow(uid)),
            Read::RowEnd if core::mem::take(&mut self.dropping_row) => {}
            _ if self.dropping_row => {}
            Read::Item(item) => self.events.push_back(Event::Item(item)),
            Read::Literal { payload, length } => self.events.push_back(Event::Literal { payload, length }),
            Read::Body(chunk) => self.events.push_back(Event::Body(chunk)),
            Read::LiteralEnd => self.events.push_back(Event::LiteralEnd),
            Read::RowEnd => self.events.push_back(Event::RowEnd),
            Read::NeedInput => {}
        }
        Ok(())
    }

    fn line(&mut self, line: &Bytes) -> Result<(), ProtocolError> {
        if let Phase::Greeting = self.phase {
            return self.greet(line);
        }
        let response = match parse::response(line, &self.context) {
            Ok(parsed) => {
                self.repairs = self.repairs.with(parsed.repairs);
                parsed.response
            }
            Err(error) => return self.violation(Violation::Malformed(error)),
        };
        match response {
            Response::Tagged(tag, status) => self.tagged(&tag, status),
            Response::Continue(text) => self.go_on_or_refuse(&text),
            Response::Untagged(status) => self.untagged(status),
            Response::Capability(capabilities) => {
                self.capabilities_told = true;
                self.learn(capabilities);
                Ok(())
            }
            response => self.data(response),
        }
    }

    // Tagged responses and continuation requests

    fn go_on_or_refuse(&mut self, text: &[u8]) -> Result<(), ProtocolError> {
        if let Phase::StartTls = self.phase {
            // TLS was asked for; whatever this is, it is not TLS.
            return Err(ProtocolError::StartTlsRefused);
        }
        self.go_ahead(text)
    }

    fn tagged(&mut self, tag: &Tag, status: Status) -> Result<(), ProtocolError> {
        let at = self.running.iter().position(|running| running.tag == *tag);
        let Some((at, running)) = at.and_then(|at| Some((at, self.running.get(at)?))) else {
            return self.stray();
        };
        if status.condition == Condition::Ok && !running.is_sent {
            // It stays among those that are in doubt.
            return Err(ProtocolError::CompletedUnsent);
        }
        let mut running = self.running.remove(at);
        let sending = self.stop_sending(&running);
        self.alert(&status);
        if !matches!(self.phase, Phase::Ready) {
            self.note_code(&status);
            return self.setup_done(running.purpose, &status);
        }
        let refused = running.repeatable.take();
        if refused.is_some_and(|command| self.repeat(&running, *command, &status)) {
            return Ok(());
        }
        self.complete(&running, sending, status)
    }

    fn stray(&mut self) -> Result<(), ProtocolError> {
        if !matches!(self.phase, Phase::Ready) {
            return Err(ProtocolError::CompletedUnsent);
        }
        self.strays = self.strays.saturating_add(1);
        self.violation(Violation::StrayTag)?;
        let limit = self.config.limits.strays_max;
        if self.strays > limit { Err(ProtocolError::TooManyViolations { limit }) } else { Ok(()) }
    }

    /// What the command still had to send is not sent any more: that is what an early answer means (RFC 9051 4.3).
    /// Only the octets of a message that were announced are still due.
    fn stop_sending(&mut self, running: &Running) -> Option<Sending> {
        let (serial, sending) = self.sending.take()?;
        if serial != running.serial || matches!(sending, Sending::Writing { .. }) {
            self.sending = Some((serial, sending));
            return None;
        }
        self.challenges.withdraw();
        Some(sending)
    }

    #[expect(clippy::needless_pass_by_value, reason = "what was being sent is over with the command")]
    fn complete(
        &mut self,
        running: &Running,
        sending: Option<Sending>,
        status: Status,
    ) -> Result<(), ProtocolError> {
        let is_ok = status.condition == Condition::Ok;
        match running.purpose {
            Purpose::Capability => {
                self.capabilities.get_or_insert_default();
                return Ok(());
            }
            Purpose::Identify => return Ok(()),
            Purpose::Select => {
                self.note_code(&status);
                self.mailbox = self.opening.take().filter(|_| is_ok);
                if !is_ok {
                    self.state = self.state.after(Transition::Deselected);
                }
            }
            Purpose::Idle => {
                let idle = match sending {
                    Some(Sending::Idle(idle)) => Some(idle),
                    _ => None,
                };
                if !self.idle_done(running.id, idle, &status) {
                    self.pump();
                    return Ok(());
                }
            }
            Purpose::Enable => {
                self.note_answer(running, &status);
                self.enabling.clear();
            }
            Purpose::Plain
            | Purpose::Repeated
            | Purpose::StartTls
            | Purpose::Login
            | Purpose::Compress
            | Purpose::Unauthenticate
            | Purpose::Logout => self.note_answer(running, &status),
        }
        if let Some(transition) = running.transition.filter(|_| is_ok) {
            self.state = self.state.after(transition);
            self.has_selected = has_selected_after(self.has_selected, transition);
            if matches!(transition, Transition::Deselected | Transition::Unauthenticated) {
                self.mailbox = None;
            }
        }
        match running.transition.filter(|_| is_ok) {
            Some(Transition::LoggedIn) => self.after_login(),
            Some(Transition::Unauthenticated) => self.after_unauthenticate(),
            _ => {}
        }
        if let Some(id) = running.id {
            self.events.push_back(Event::Done { id, status });
        }
        match running.purpose {
            // Its answer is the last thing a server says (RFC 9051 6.1.3), whatever it is.
            Purpose::Logout => self.finish(),
            Purpose::Compress if is_ok => self.compress()?,
            _ => {}
        }
        Ok(())
    }

    /// Sends a refused command once more in another form, where there is one. Whether it does.
    fn repeat(&mut self, running: &Running, command: Command, status: &Status) -> bool {
        if status.condition == Condition::Ok || self.bye {
            return false;
        }
        let Some((id, (command, fallback))) = running.id.zip(fallback::after(command, status)) else {
            return false;
        };
        self.events.push_back(Event::Fallback { id, fallback });
        let queued = Queued::own(command, Purpose::Repeated);
        self.queue.push_front(Queued { id: Some(id), ..queued });
        true
    }

    /// RFC 9051 6.2.2, 6.2.3: what was announced before login need not hold after it.
    fn after_login(&mut self) {
        if self.quirks.identification == Identification::BeforeSelect {
            let identity = self.config.identity.clone();
            self.queue.push_front(Queued::own(Command::Id(identity), Purpose::Identify));
        }
        self.ask_unless_told();
    }

    /// RFC 8437 2: as it was when the connection was made, TLS apart.
    fn after_unauthenticate(&mut self) {
        self.enabled.clear();
        self.enabling.clear();
        self.opening = None;
        self.context = ParseContext::client();
        self.settle_names();
        self.ask_unless_told();
    }

    fn ask_unless_told(&mut self) {
        if !self.capabilities_told {
            self.capabilities = None;
            self.queue.push_front(Queued::own(Command::Capability, Purpose::Capability));
        }
    }

    /// The conversation is over; the events that wait still come.
    fn finish(&mut self) {
        if self.queue.is_empty() { self.shut() } else { self.end() }
    }

    // Untagged status responses

    fn untagged(&mut self, status: Status) -> Result<(), ProtocolError> {
        match status.condition {
            Condition::Bye => {
                self.say_bye(status);
                return Ok(());
            }
            Condition::PreAuth => return self.unexpected("PREAUTH"),
            Condition::Ok | Condition::No | Condition::Bad => {}
        }
        self.note_code(&status);
        self.alert(&status);
        // Text from before TLS could be anybody's: it is not shown.
        if self.is_trusted() && status.code != Some(ResponseCode::Alert) {
            self.events.push_back(Event::Untagged(status));
        }
        Ok(())
    }

    /// The server ends the conversation.
    pub(crate) fn say_bye(&mut self, mut status: Status) {
        self.state = self.state.after(Transition::LoggedOut);
        self.bye = true;
        self.alert(&status);
        if !self.is_trusted() {
            status = Status { code: None, text: Bytes::new(), ..status };
        }
        self.events.push_back(Event::Bye(status));
        if !self.running.iter().any(Running::is_logout) {
            self.end();
        }
    }

    /// RFC 9051 7.1: an alert has to be shown, and one that came without TLS is suspicious.
    pub(crate) fn alert(&mut self, status: &Status) {
        if status.code != Some(ResponseCode::Alert) || !self.is_trusted() {
            return;
        }
        let text = status.text.clone();
        self.events.push_back(if self.security.is_private() {
            Event::Alert(text)
        } else {
            Event::AlertInClear(text)
        });
    }

    /// Takes note of what a code says of the mailbox or of the server.
    fn note_code(&mut self, status: &Status) {
        let Some(code) = &status.code else { return };
        if let ResponseCode::Capability(capabilities) = code {
            self.capabilities_told = true;
            self.learn(capabilities.clone());
        } else if let Some(mailbox) = self.open_mailbox() {
            mailbox.note(code);
        }
    }

    /// The same for the answer to a command, which may be about a mailbox that is not the selected one: CREATE tells
    /// the MAILBOXID of what it made (RFC 8474 4.2).
    fn note_answer(&mut self, running: &Running, status: &Status) {
        let is_capability = matches!(status.code, Some(ResponseCode::Capability(_)));
        if is_capability || !running.is_about_another {
            self.note_code(status);
        }
    }

    // Data

    /// The mailbox that data is about: the one that is being opened, or the selected one.
    fn open_mailbox(&mut self) -> Option<&mut MailboxState> {
        self.opening.as_mut().or(self.mailbox.as_mut())
    }

    /// The mailbox whose messages vanish. While another one is being opened and has not been counted, that is still
    /// the old one (RFC 7162 3.2.11).
    fn shrinking_mailbox(&mut self) -> Option<&mut MailboxState> {
        let counted = self.opening.as_ref().is_some_and(|opening| opening.counted);
        if counted || self.mailbox.is_none() { self.opening.as_mut() } else { self.mailbox.as_mut() }
    }

    fn row(&mut self, begin: Event) -> Result<(), ProtocolError> {
        if self.open_mailbox().is_none() || !matches!(self.phase, Phase::Ready) {
            self.dropping_row = true;
            return self.unexpected("FETCH");
        }
        self.events.push_back(begin);
        Ok(())
    }

    fn data(&mut self, response: Response) -> Result<(), ProtocolError> {
        let (name, needs) = describe(&response);
        let fits = match needs {
            Needs::Nothing => true,
            Needs::Login => self.state.is_authenticated(),
            Needs::Mailbox => self.open_mailbox().is_some(),
            Needs::Never => false,
        };
        if !fits || !matches!(self.phase, Phase::Ready) {
            return self.unexpected(name);
        }
        let event = match response {
            Response::Exists(exists) => {
                if let Some(mailbox) = self.open_mailbox() {
                    mailbox.set_exists(exists);
                }
                Event::Exists(exists)
            }
            Response::Recent(recent) => {
                if let Some(mailbox) = self.open_mailbox() {
                    mailbox.recent = recent;
                }
                Event::Recent(recent)
            }
            Response::Expunge(number) => {
                if !self.shrinking_mailbox().is_some_and(|mailbox| mailbox.expunge(number)) {
                    return self.violation(Violation::ImpossibleNumber { response: name });
                }
                self.disturb(name)?;
                Event::Expunge(number)
            }
            Response::Vanished { earlier, uids } => {
                if !earlier {
                    if !self.vanish(&uids) {
                        return self.violation(Violation::ImpossibleNumber { response: name });
                    }
                    self.disturb(name)?;
                }
                Event::Vanished { earlier, uids }
            }
            Response::Flags(flags) => {
                if let Some(mailbox) = self.open_mailbox() {
                    mailbox.flags.clone_from(&flags);
                }
                Event::Flags(flags)
            }
            Response::Enabled(enabled) => {
                let asked: Vec<Capability> =
                    enabled.iter().filter(|capability| self.asked_for(capability)).cloned().collect();
                if asked.len() < enabled.len() {
                    self.unexpected(name)?;
                }
                if asked.is_empty() && !enabled.is_empty() {
                    return Ok(());
                }
                self.note_enabled(&asked);
                Event::Enabled(asked)
            }
            Response::List(list) => Event::List(list),
            Response::Lsub(list) => Event::Lsub(list),
            Response::XList(list) => Event::XList(list),
            Response::Search(response) => Event::Search(response),
            Response::Sort(response) => Event::Sort(response),
            Response::Thread(threads) => Event::Thread(threads),
            Response::Esearch(response) => Event::Esearch(response),
            Response::UidBatches(batches) => Event::UidBatches(batches),
            Response::Quota { root, resources } => Event::Quota { root, resources },
            Response::QuotaRoot { mailbox, roots } => Event::QuotaRoot { mailbox, roots },
            Response::Acl(acl) => Event::Acl(acl),
            Response::ListRights(rights) => Event::ListRights(rights),
            Response::MyRights { mailbox, rights } => Event::MyRights { mailbox, rights },
            Response::Metadata(metadata) => Event::Metadata(metadata),
            Response::GenUrlAuth(urls) => Event::GenUrlAuth(urls),
            Response::UrlFetch(urls) => Event::UrlFetch(urls),
            Response::Language(languages) => Event::Language(languages),
            Response::Comparator(comparator) => Event::Comparator(comparator),
            Response::JmapAccess(url) => Event::JmapAccess(url),
            Response::Status(mailbox, items) => Event::Status(mailbox, items),
            Response::Namespace(namespaces) => Event::Namespace(namespaces),
            Response::Id(parameters) => {
                self.recognise(Peer::of_id(&parameters));
                Event::Id(parameters)
            }
            Response::Other(text) if text.first().is_some_and(u8::is_ascii_digit) => {
                // A number that no message has, such as `* 0 FETCH`.
                return self.violation(Violation::ImpossibleNumber { response: name });
            }
            Response::Other(text) => Event::Other(text),
            _ => return self.unexpected(name),
        };
        self.events.push_back(event);
        Ok(())
    }

    /// RFC 5161 3.2: what was not asked for cannot have been enabled by us.
    fn asked_for(&self, capability: &Capability) -> bool {
        self.enabling.contains(capability) || self.enabled.contains(capability)
    }

    fn note_enabled(&mut self, enabled: &[Capability]) {
        for capability in enabled {
            if !self.enabled.contains(capability) {
                self.enabled.push(capability.clone());
            }
        }
        self.settle_names();
    }

    /// Decides whether strings and names are UTF-8: once that is enabled (RFC 9755 3, RFC 9051 6.3.1), and from the
    /// start where the server has no older revision (RFC 9051 5.1).
    pub(crate) fn settle_names(&mut self) {
        let is_enabled = ["IMAP4rev2", "UTF8=ACCEPT"].iter().any(|name| self.is_enabled(name));
        self.context.utf8 = is_enabled || self.is_rev2_only();
    }

    pub(crate) fn is_rev2_only(&self) -> bool {
        self.has_capability("IMAP4rev2") && !self.has_capability("IMAP4rev1")
    }

    /// Whether there were so many messages.
    fn vanish(&mut self, uids: &UidSet) -> bool {
        let Some(mailbox) = self.shrinking_mailbox() else { return false };
        let left = u32::try_from(uids.len()).ok().and_then(|gone| mailbox.exists.checked_sub(gone));
        mailbox.exists = left.unwrap_or(mailbox.exists);
        left.is_some()
    }

    /// Message numbers have changed: tells of it where commands in progress forbid that (RFC 9051 7.5.1). The numbers
    /// are what they are, so the response counts all the same; what those commands did to which message is unsure.
    fn disturb(&mut self, response: &'static str) -> Result<(), ProtocolError> {
        let mut is_new = false;
        for running in &mut self.running {
            is_new |= running.disturb();
        }
        if is_new { self.violation(Violation::NumbersChanged { response }) } else { Ok(()) }
    }

    fn unexpected(&mut self, response: &'static str) -> Result<(), ProtocolError> {
        self.violation(Violation::Unexpected { response })
    }
}

/// What a response needs to make sense.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Login,
    Mailbox,
    Never,
}

const fn describe(response: &Response) -> (&'static str, Needs) {
    match response {
        Response::Enabled(_) => ("ENABLED", Needs::Login),
        Response::Flags(_) => ("FLAGS", Needs::Mailbox),
        Response::List(_) => ("LIST", Needs::Login),
        Response::Lsub(_) => ("LSUB", Needs::Login),
        Response::Search(_) => ("SEARCH", Needs::Mailbox),
        Response::XList(_) => ("XLIST", Needs::Login),
        Response::Sort(_) => ("SORT", Needs::Mailbox),
        Response::Thread(_) => ("THREAD", Needs::Mailbox),
        // RFC 7377: about any mailbox.
        Response::Esearch(_) => ("ESEARCH", Needs::Login),
        Response::UidBatches(_) => ("UIDBATCHES", Needs::Mailbox),
        Response::Quota { .. } => ("QUOTA", Needs::Login),
        Response::QuotaRoot { .. } => ("QUOTAROOT", Needs::Login),
        Response::Acl(_) => ("ACL", Needs::Login),
        Response::ListRights(_) => ("LISTRIGHTS", Needs::Login),
        Response::MyRights { .. } => ("MYRIGHTS", Needs::Login),
        Response::Metadata(_) => ("METADATA", Needs::Login),
        Response::GenUrlAuth(_) => ("GENURLAUTH", Needs::Login),
        Response::UrlFetch(_) => ("URLFETCH", Needs::Login),
        Response::Language(_) => ("LANGUAGE", Needs::Nothing),
        Response::Comparator(_) => ("COMPARATOR", Needs::Nothing),
        Response::JmapAccess(_) => ("JMAPACCESS", Needs::Login),
        Response::Status(..) => ("STATUS", Needs::Login),
        Response::Exists(_) => ("EXISTS", Needs::Mailbox),
        Response::Recent(_) => ("RECENT", Needs::Mailbox),
        Response::Expunge(_) => ("EXPUNGE", Needs::Mailbox),
        Response::Fetch(..) => ("FETCH", Needs::Never),
        Response::Namespace(_) => ("NAMESPACE", Needs::Login),
        Response::Id(_) => ("ID", Needs::Nothing),
        Response::Vanished { .. } => ("VANISHED", Needs::Mailbox),
        Response::Other(_) => ("data", Needs::Nothing),
        _ => ("a response", Needs::Never),
    }
}
