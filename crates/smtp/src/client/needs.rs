//! What an envelope needs against what a server offers, decided before MAIL: what is sent, what is left out because
//! the server would not understand it and its absence is allowed, and what makes it impossible to send the message
//! here, or to one of its recipients.
//!
//! RFC 1870 6.1, RFC 2852 4.1.4, RFC 3030 3, RFC 3461 5.2.2, RFC 4865 4.1, RFC 4954 5, RFC 6152 3, RFC 6531 3.2,
//! RFC 6710 4.3, RFC 7293 5.1.1, RFC 8689 4.2.1, RFC 9422 4. Converting a message is the application's business.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Chunking, Config};
use crate::{
    BodyType, ByMode, Capabilities, Capability, DateTime, DeliverBy, Envelope, Hold, Keyword, MailParameters,
    Notify, RcptParameters, Recipient, Rejection, ReversePath, RrvsAction, Security,
};

/// Why a message, or a copy of it for one recipient, is not sent to this server at all: nothing of it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// Addresses or header fields hold UTF-8 and `SMTPUTF8` is not offered (RFC 6531 3.2).
    SmtpUtf8,
    /// The content holds octets over 127 and `8BITMIME` is not offered (RFC 6152 3).
    EightBitMime,
    /// The content is binary and `BINARYMIME` with `CHUNKING` is not offered, or BDAT is switched off (RFC 3030 3).
    BinaryMime,
    /// The message may travel through TLS only and the connection has none (RFC 8689 4.2.1).
    Encryption,
    /// The message is to be sent with `REQUIRETLS` and that is not offered (RFC 8689 4.2.1).
    RequireTls,
    /// The message is to be held back and `FUTURERELEASE` is not offered (RFC 4865 4.1).
    FutureRelease,
    /// The server holds no message so long.
    HoldTooLong {
        /// The longest time it does, in seconds.
        seconds_max: u32,
    },
    /// The server holds no message until then.
    HoldTooLate {
        /// The latest time until which it does.
        until_max: DateTime,
    },
    /// The message is to be returned when its time is over and `DELIVERBY` is not offered (RFC 2852 4.1.4.1).
    DeliverBy,
    /// The message is to be returned sooner than the server takes upon itself (RFC 2852 3).
    DeliverByTooSoon {
        /// The least time, in seconds.
        seconds_min: u32,
    },
    /// The message is larger than the server takes (RFC 1870 6.1).
    MessageTooBig {
        /// The largest size, in octets.
        max: u64,
    },
    /// The recipient's mailbox is to be checked for a change of owner and `RRVS` is not offered (RFC 7293 5.1.1).
    Rrvs,
    /// The session has had as many messages as the server takes in one (`MAILMAX`, RFC 9422 4.1). The next
    /// connection takes more.
    MailMax {
        /// How many these are.
        max: u32,
    },
    /// The message has as many recipients before this one as the server takes for one (`RCPTMAX`, RFC 9422 4.2). A
    /// further message, on this connection even, takes more.
    RcptMax {
        /// How many these are.
        max: u32,
    },
    /// The session has seen as many domains of recipients as the server takes in one (`RCPTDOMAINMAX`, RFC 9422
    /// 4.3), and this recipient's is none of them. The next connection takes more.
    RcptDomainMax {
        /// How many these are.
        max: u32,
    },
}

/// What an envelope asks for and was not passed on, as the server does not offer the extension. Where a status
/// notification is due for that, it is the application's to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftOut {
    /// `RET`, `ENVID`, `NOTIFY` and `ORCPT`: RFC 3461 5.2.2 says which recipients get a "relayed" notification.
    Dsn,
    /// `BY` with mode `N`: RFC 2852 4.1.4.2 wants a "relayed" notification.
    DeliverBy,
    /// `MT-PRIORITY` (RFC 6710 4.3).
    MtPriority,
    /// `RRVS` of the recipients whose sender allows that (RFC 7293 5.1.1, action `C`).
    Rrvs,
    /// `AUTH=`: also where nobody has authenticated in this session (RFC 4954 5).
    Auth,
    /// `REQUIRETLS` of a notification: it is sent all the same, through TLS (RFC 8689 5).
    RequireTls,
}

impl Unsupported {
    /// The reply a server would have given: for a status notification, or to be passed on.
    pub fn rejection(&self) -> Rejection {
        let (code, enhanced, text) = match self {
            Self::SmtpUtf8 => (553, (5, 6, 7), "Next hop takes no addresses or header fields in UTF-8"),
            Self::EightBitMime => (554, (5, 6, 3), "Next hop takes no 8-bit content"),
            Self::BinaryMime => (554, (5, 6, 3), "Next hop takes no binary content"),
            Self::Encryption => (550, (5, 7, 10), "Encryption needed on the way to the next hop"),
            Self::RequireTls => (550, (5, 7, 30), "Next hop does not support REQUIRETLS"),
            Self::FutureRelease => (555, (5, 3, 3), "Next hop does not hold messages back"),
            Self::HoldTooLong { .. } => (501, (5, 5, 4), "Next hop does not hold messages back so long"),
            Self::HoldTooLate { .. } => (501, (5, 5, 4), "Next hop does not hold messages back until then"),
            Self::DeliverBy => (555, (5, 3, 3), "Next hop does not keep a time of delivery"),
            Self::DeliverByTooSoon { .. } => (555, (5, 4, 7), "Next hop needs more time to deliver"),
            Self::MessageTooBig { .. } => (552, (5, 3, 4), "Message is larger than the next hop takes"),
            Self::Rrvs => (550, (5, 7, 19), "Next hop does not check who owned the mailbox"),
            Self::MailMax { .. } => (452, (4, 5, 3), "No more messages in this session"),
            Self::RcptMax { .. } => (452, (4, 5, 3), "No more recipients for this message"),
            Self::RcptDomainMax { .. } => (452, (4, 5, 3), "No more domains in this session"),
        };
        Rejection::fixed(code, enhanced, text)
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection().fmt(f)
    }
}

/// How the messages of one session are sent: what the server has said, and what of its limits is used up.
#[derive(Debug, Default)]
pub(super) struct Quota {
    /// MAIL commands so far.
    mails: u32,
    /// The domains of RCPT commands so far, in lower case; kept only where they are limited.
    domains: BTreeSet<String>,
}

impl Quota {
    pub(super) fn count_mail(&mut self) {
        self.mails = self.mails.saturating_add(1);
    }

    /// Whether one more MAIL would be too many.
    pub(super) fn used_up(&self, offered: &Capabilities) -> Option<u32> {
        offered.limits().mail_max.filter(|max| self.mails >= *max)
    }
}

/// How one message is sent.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) mail: MailParameters,
    /// By BDAT instead of DATA.
    pub(super) chunked: bool,
    /// For each recipient why it is not named, where it is not.
    pub(super) refused: Vec<Option<Unsupported>>,
    pub(super) left_out: Vec<LeftOut>,
    dsn: bool,
    rrvs: bool,
    /// DELAY is asked for although the envelope does not: nobody behind this server knows the time (RFC 2852).
    delay: bool,
}

/// Decides how `envelope` is sent.
///
/// # Errors
///
/// Why it cannot be sent to any of its recipients.
pub(super) fn plan(
    envelope: &Envelope,
    config: &Config,
    offered: &Capabilities,
    session: (Security, bool),
    quota: &mut Quota,
) -> Result<Plan, Unsupported> {
    let (security, authenticated) = session;
    let has = |keyword| offered.has(keyword);
    if let Some(max) = quota.used_up(offered) {
        return Err(Unsupported::MailMax { max });
    }
    if let Some(max) = offered.size().flatten().filter(|max| envelope.size.is_some_and(|size| size > *max)) {
        return Err(Unsupported::MessageTooBig { max });
    }
    let chunked = has(Keyword::Chunking) && config.chunking == Chunking::Auto;
    match envelope.body {
        BodyType::EightBitMime if !has(Keyword::EightBitMime) => return Err(Unsupported::EightBitMime),
        BodyType::BinaryMime if !chunked || !has(Keyword::BinaryMime) => {
            return Err(Unsupported::BinaryMime);
        }
        BodyType::SevenBit | BodyType::EightBitMime | BodyType::BinaryMime => {}
    }
    let utf8_offered = has(Keyword::SmtpUtf8);
    let utf8_sender = !envelope.from.is_ascii();
    if (envelope.smtp_utf8 || utf8_sender) && !utf8_offered {
        return Err(Unsupported::SmtpUtf8);
    }
    let mut left_out = Vec::new();
    let require_tls = require_tls(envelope, offered, security, &mut left_out)?;
    hold(envelope.hold.as_ref(), offered)?;
    let dsn = has(Keyword::Dsn);
    let (deliver_by, delay) = deliver_by(envelope.deliver_by, offered, &mut left_out)?;
    let rrvs = has(Keyword::Rrvs);
    let refused = refused_recipients(&envelope.recipients, offered, quota);
    if !dsn && asks_for_dsn(envelope) {
        left_out.push(LeftOut::Dsn);
    }
    let has_priority = has(Keyword::MtPriority);
    if envelope.priority.is_some() && !has_priority {
        left_out.push(LeftOut::MtPriority);
    }
    if !rrvs && envelope.recipients.iter().any(|recipient| may_go_without_rrvs(&recipient.parameters)) {
        left_out.push(LeftOut::Rrvs);
    }
    let has_auth = authenticated && !offered.mechanisms().is_empty();
    if envelope.auth.is_some() && !has_auth {
        left_out.push(LeftOut::Auth);
    }
    let mut named = envelope.recipients.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
    let utf8_recipient = named.any(|(recipient, _)| !recipient.path.is_ascii());
    let mail = MailParameters {
        size: envelope.size.filter(|_| offered.size().is_some()),
        body: Some(envelope.body).filter(|body| *body != BodyType::SevenBit),
        auth: envelope.auth.clone().filter(|_| has_auth),
        ret: envelope.ret.filter(|_| dsn),
        envelope_id: envelope.envelope_id.clone().filter(|_| dsn),
        smtp_utf8: envelope.smtp_utf8 || utf8_sender || utf8_recipient,
        require_tls,
        hold: envelope.hold.clone(),
        deliver_by,
        priority: envelope.priority.filter(|_| has_priority),
        others: Vec::new(),
    };
    Ok(Plan { mail, chunked, refused, left_out, dsn, rrvs, delay: delay && dsn })
}

impl Plan {
    /// The parameters of RCPT, as far as the server knows them.
    pub(super) fn rcpt(&self, wanted: &RcptParameters) -> RcptParameters {
        let mut notify = wanted.notify;
        if self.delay && notify.is_none_or(|notify| !notify.is_never()) {
            // RFC 2852 4.1.4.2: what the server does not know of the time, its notifications are to make good.
            notify = Some(notify.unwrap_or(Notify::FAILURE).or(Notify::DELAY));
        }
        RcptParameters {
            notify: notify.filter(|_| self.dsn),
            original: wanted.original.clone().filter(|_| self.dsn),
            valid_since: wanted.valid_since.clone().filter(|_| self.rrvs),
            others: wanted.others.clone(),
        }
    }
}

/// Whether REQUIRETLS is sent. The certificate and the way its name was found are the driver's business.
fn require_tls(
    envelope: &Envelope,
    offered: &Capabilities,
    security: Security,
    left_out: &mut Vec<LeftOut>,
) -> Result<bool, Unsupported> {
    if !envelope.require_tls {
        return Ok(false);
    }
    if !security.is_tls() {
        return Err(Unsupported::Encryption);
    }
    if offered.has(Keyword::RequireTls) {
        return Ok(true);
    }
    // RFC 8689 5: a notification is not to be lost for it.
    if envelope.from != ReversePath::Null {
        return Err(Unsupported::RequireTls);
    }
    left_out.push(LeftOut::RequireTls);
    Ok(false)
}

fn hold(hold: Option<&Hold>, offered: &Capabilities) -> Result<(), Unsupported> {
    let Some(hold) = hold else { return Ok(()) };
    let Some(Capability::FutureRelease { seconds_max, until_max }) = offered.find(Keyword::FutureRelease)
    else {
        return Err(Unsupported::FutureRelease);
    };
    match hold {
        Hold::For(seconds) if seconds > seconds_max => {
            Err(Unsupported::HoldTooLong { seconds_max: *seconds_max })
        }
        Hold::Until(until) if until.unix_seconds() > until_max.unix_seconds() => {
            Err(Unsupported::HoldTooLate { until_max: until_max.clone() })
        }
        Hold::For(_) | Hold::Until(_) => Ok(()),
    }
}

/// What is sent as BY, and whether notifications of delay are to stand in for it.
fn deliver_by(
    wanted: Option<DeliverBy>,
    offered: &Capabilities,
    left_out: &mut Vec<LeftOut>,
) -> Result<(Option<DeliverBy>, bool), Unsupported> {
    let Some(wanted) = wanted else { return Ok((None, false)) };
    let offer = offered.find(Keyword::DeliverBy).and_then(|offer| match offer {
        Capability::DeliverBy(seconds_min) => Some(*seconds_min),
        _ => None,
    });
    match (offer, wanted.mode) {
        (None, ByMode::Return) => Err(Unsupported::DeliverBy),
        (None, ByMode::Notify) => {
            left_out.push(LeftOut::DeliverBy);
            Ok((None, true))
        }
        (Some(Some(seconds_min)), ByMode::Return) if i64::from(wanted.seconds) < i64::from(seconds_min) => {
            Err(Unsupported::DeliverByTooSoon { seconds_min })
        }
        (Some(_), _) => Ok((Some(wanted), false)),
    }
}

/// For each recipient why it is not named, where it is not. Counts the domains of those that are.
fn refused_recipients(
    recipients: &[Recipient],
    offered: &Capabilities,
    quota: &mut Quota,
) -> Vec<Option<Unsupported>> {
    let limits = offered.limits();
    let (utf8, rrvs) = (offered.has(Keyword::SmtpUtf8), offered.has(Keyword::Rrvs));
    let mut named = 0_u32;
    let decide = |recipient: &Recipient| {
        let without_rrvs = may_go_without_rrvs(&recipient.parameters);
        if !utf8 && !recipient.path.is_ascii() {
            return Some(Unsupported::SmtpUtf8);
        }
        if !rrvs && recipient.parameters.valid_since.is_some() && !without_rrvs {
            return Some(Unsupported::Rrvs);
        }
        if let Some(max) = limits.rcpt_max.filter(|max| named >= *max) {
            return Some(Unsupported::RcptMax { max });
        }
        if let Some(max) = limits.rcpt_domain_max {
            let domain =
                recipient.path.mailbox().map(|mailbox| mailbox.domain().as_str().to_ascii_lowercase());
            let domain = domain.unwrap_or_default();
            let full = usize::try_from(max).is_ok_and(|max| quota.domains.len() >= max);
            if full && !quota.domains.contains(&domain) {
                return Some(Unsupported::RcptDomainMax { max });
            }
            quota.domains.insert(domain);
        }
        named = named.saturating_add(1);
        None
    };
    recipients.iter().map(decide).collect()
}

fn asks_for_dsn(envelope: &Envelope) -> bool {
    let recipient = |recipient: &Recipient| {
        recipient.parameters.notify.is_some() || recipient.parameters.original.is_some()
    };
    envelope.ret.is_some() || envelope.envelope_id.is_some() || envelope.recipients.iter().any(recipient)
}

fn may_go_without_rrvs(parameters: &RcptParameters) -> bool {
    let action = parameters.valid_since.as_ref().and_then(|valid_since| valid_since.otherwise);
    action == Some(RrvsAction::Continue)
}
