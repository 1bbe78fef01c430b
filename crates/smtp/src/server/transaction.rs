//! MAIL and RCPT: which parameters are acceptable here and now, and how many of each command there may be.
//!
//! The grammar knows all parameters; what was not announced is refused here (555, RFC 5321 4.1.1.11), and so is what
//! an extension says that a server cannot take. Whether a sender or a recipient is welcome, the application says.

use super::command::needs_tls;
use super::extensions::Switch;
use super::{Event, Mail, Rcpt, Server};
use crate::{
    AuthIdentity, BodyType, ByMode, Excess, ForwardPath, Hold, MailParameters, RcptParameters, Recipient,
    Rejection, Reply, ReversePath, Transaction, Violation,
};

/// Why a command is refused, and whether it counts as a violation.
struct Fault {
    violation: Violation,
    reply: Reply,
    counts: bool,
}

impl Server {
    pub(super) fn mail(&mut self, from: ReversePath, mut parameters: MailParameters) {
        // Until it is accepted.
        self.excuse_behind(0);
        if let Some(limit) = self.config.limits.transactions_max {
            if self.counters.transactions >= limit {
                self.exceed(Excess::Transactions, limit.into());
                return;
            }
        }
        self.counters.transactions = self.counters.transactions.saturating_add(1);
        if let Err(fault) = self.mail_is_acceptable(&from, &parameters) {
            self.fault(fault);
            return;
        }
        // RFC 4954 5: whoever is not authenticated is not believed.
        if parameters.auth.is_some() && !self.session.is_authenticated() {
            parameters.auth = Some(AuthIdentity::Unknown);
        }
        let ticket = self.issue();
        self.events.push_back(Event::Mail(Mail { ticket, from, parameters }));
    }

    pub(super) fn rcpt(&mut self, to: ForwardPath, parameters: RcptParameters) {
        let limits = &self.config.limits;
        let (refused_max, limit) = (limits.recipients_refused_max, limits.recipients_max);
        if self.counters.recipients_refused >= refused_max {
            self.exceed(Excess::RefusedRecipients, refused_max.into());
        } else if let Err(fault) = self.rcpt_is_acceptable(&to, &parameters) {
            self.fault(fault);
        } else if self.session.recipients() < limit {
            let ticket = self.issue();
            self.events.push_back(Event::Rcpt(Rcpt { ticket, to, parameters }));
        } else if self.counters.recipients_beyond >= limit {
            let twice = u64::try_from(limit).unwrap_or(u64::MAX).saturating_mul(2);
            self.exceed(Excess::Recipients, twice);
        } else {
            // RFC 5321 4.5.3.1.10: the client sends the rest another time.
            self.counters.recipients_beyond = self.counters.recipients_beyond.saturating_add(1);
            self.put(&Reply::fixed(452, (4, 5, 3), "Too many recipients"));
            self.events.push_back(Event::Violation(Violation::TooManyRecipients { limit }));
        }
    }

    pub(super) fn mail_accepted(&mut self, transaction: Transaction) {
        self.counters.recipients_beyond = 0;
        self.session.open(transaction);
        self.put(&Reply::fixed(250, (2, 1, 0), "OK"));
    }

    pub(super) fn rcpt_accepted(&mut self, recipient: &Recipient) {
        self.session.add(recipient);
        self.put(&Reply::fixed(250, (2, 1, 5), "OK"));
    }

    pub(super) fn rcpt_rejected(&mut self, rejection: Rejection) {
        if !rejection.is_transient() {
            self.counters.recipients_refused = self.counters.recipients_refused.saturating_add(1);
        }
        self.put(&rejection.into_reply());
    }

    /// A command was refused that others may stand behind in one group: they are no fault of the client.
    pub(super) fn excuse_behind(&mut self, recipients: usize) {
        let budget = self.config.limits.recipients_max.saturating_mul(2);
        self.session.excuse(recipients, budget);
    }

    fn fault(&mut self, fault: Fault) {
        let Fault { violation, reply, counts } = fault;
        if counts {
            self.violation(violation, &reply);
        } else {
            self.put(&reply);
            self.events.push_back(Event::Violation(violation));
        }
    }

    fn mail_is_acceptable(&self, from: &ReversePath, parameters: &MailParameters) -> Result<(), Fault> {
        self.mail_is_announced(parameters)?;
        let max = self.config.limits.message_max;
        if parameters.size.is_some_and(|size| size > max) {
            // RFC 1870 6.1. A large message is no fault: it is told and not counted.
            let reply = Rejection::message_too_big().into_reply();
            return Err(Fault { violation: Violation::DeclaredTooBig { limit: max }, reply, counts: false });
        }
        if !parameters.smtp_utf8 && !from.is_ascii() {
            // RFC 6531 3.5
            return Err(Fault::non_ascii(550));
        }
        if parameters.require_tls && !self.security.is_tls() {
            return Err(Fault { violation: Violation::NotPermitted, reply: needs_tls(), counts: true });
        }
        self.schedule_is_acceptable(parameters)
    }

    /// Whether all that is asked for was announced.
    fn mail_is_announced(&self, parameters: &MailParameters) -> Result<(), Fault> {
        let MailParameters {
            size: _,
            body,
            auth,
            ret,
            envelope_id,
            smtp_utf8,
            require_tls,
            hold,
            deliver_by,
            priority,
            others,
        } = parameters;
        let offers = &self.config.extensions;
        let has = |switch| offers.has(switch);
        let announced = others.is_empty()
            && (*body != Some(BodyType::BinaryMime) || has(Switch::BinaryMime))
            && (auth.is_none() || !self.config.mechanisms.is_empty())
            && ((ret.is_none() && envelope_id.is_none()) || has(Switch::Dsn))
            && (!smtp_utf8 || has(Switch::SmtpUtf8))
            && (!require_tls || has(Switch::RequireTls))
            && (hold.is_none() || offers.future_release().is_some())
            && (deliver_by.is_none() || offers.deliver_by().is_some())
            && (priority.is_none() || offers.offers_priority());
        if announced { Ok(()) } else { Err(Fault::unknown_parameter()) }
    }

    /// RFC 4865 4, 5.2.2 and RFC 2852 3, 4: how long a message may be held back, and how soon it may be due.
    fn schedule_is_acceptable(&self, parameters: &MailParameters) -> Result<(), Fault> {
        let offers = &self.config.extensions;
        let too_long = match (&parameters.hold, offers.future_release()) {
            (Some(Hold::For(seconds)), Some((seconds_max, _))) => seconds > seconds_max,
            (Some(Hold::Until(until)), Some((_, until_max))) => {
                until.unix_seconds() > until_max.unix_seconds()
            }
            _ => false,
        };
        if too_long {
            return Err(Fault::value("HOLDFOR or HOLDUNTIL", 501));
        }
        let Some(by) = parameters.deliver_by else { return Ok(()) };
        let seconds = u32::try_from(by.seconds).unwrap_or(0);
        // Due before it is released.
        if matches!(parameters.hold, Some(Hold::For(held)) if held > seconds) {
            return Err(Fault::value("HOLDFOR", 501));
        }
        let min = offers.deliver_by().flatten().unwrap_or(0);
        if by.mode == ByMode::Return && seconds < min {
            return Err(Fault::value("BY", 555));
        }
        Ok(())
    }

    fn rcpt_is_acceptable(&self, to: &ForwardPath, parameters: &RcptParameters) -> Result<(), Fault> {
        let RcptParameters { notify, original, valid_since, others } = parameters;
        let offers = &self.config.extensions;
        let announced = others.is_empty()
            && ((notify.is_none() && original.is_none()) || offers.has(Switch::Dsn))
            && (valid_since.is_none() || offers.has(Switch::Rrvs));
        if !announced {
            return Err(Fault::unknown_parameter());
        }
        let utf8 = self.session.transaction().is_some_and(|open| open.parameters().smtp_utf8);
        if !utf8 && !to.is_ascii() {
            // RFC 6531 3.5
            return Err(Fault::non_ascii(553));
        }
        Ok(())
    }
}

impl Fault {
    fn unknown_parameter() -> Self {
        let reply = Reply::fixed(555, (5, 5, 4), "Parameter not recognized");
        Self { violation: Violation::UnknownParameter, reply, counts: true }
    }

    fn value(parameter: &'static str, code: u16) -> Self {
        let reply = Reply::fixed(code, (5, 5, 4), "Value of a parameter is not acceptable");
        Self { violation: Violation::ParameterValue { parameter }, reply, counts: true }
    }

    fn non_ascii(code: u16) -> Self {
        let reply = Reply::fixed(code, (5, 6, 7), "Non-ASCII address without SMTPUTF8");
        Self { violation: Violation::NonAsciiAddress, reply, counts: true }
    }
}
