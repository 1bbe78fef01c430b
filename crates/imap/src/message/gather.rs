//! Puts the strings of a summary that has been scanned, each in a piece of memory of its own, into one buffer.
//!
//! So a summary is the same in memory whether it was scanned or stored: few pieces, nothing of the message, and
//! strings that are cloned without a copy.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::Envelope,
    summary::{Part, Summary},
};

impl Summary {
    /// The same summary with all of its strings in one buffer, which holds nothing else.
    pub(super) fn gathered(mut self) -> Self {
        let mut len = 0_usize;
        self.each_string(&mut |string| len = len.saturating_add(string.len()));
        let mut octets = Vec::with_capacity(len);
        self.each_string(&mut |string| octets.extend_from_slice(string));
        let mut rest = Bytes::from(octets);
        self.each_string(&mut |string| *string = rest.split_to(string.len().min(rest.len())));
        self
    }

    /// Visits all strings, always in the same order.
    fn each_string(&mut self, visit: &mut impl FnMut(&mut Bytes)) {
        // Every member has to be decided here and below.
        let Self { octets: _, root, others, overview, preview } = self;
        part(root, visit);
        for other in others {
            part(other, visit);
        }
        visit(overview);
        visit(preview);
    }
}

fn part(place: &mut Part, visit: &mut impl FnMut(&mut Bytes)) {
    let Part {
        kind: _,
        parent: _,
        first_child: _,
        next_sibling: _,
        header: _,
        body: _,
        lines: _,
        decoded: _,
        media_type,
        subtype,
        parameters: of_type,
        encoding,
        id,
        description,
        md5,
        disposition,
        languages,
        location,
        envelope: own_envelope,
    } = place;
    for token in [media_type, subtype, encoding] {
        visit(token.octets_mut());
    }
    parameters(of_type, visit);
    for string in [id, description, md5, location].into_iter().flatten() {
        visit(string);
    }
    if let Some(Disposition { kind, parameters: of_disposition }) = disposition {
        visit(kind.octets_mut());
        parameters(of_disposition, visit);
    }
    for language in languages {
        visit(language);
    }
    if let Some(own_envelope) = own_envelope {
        envelope(own_envelope, visit);
    }
}

fn parameters(list: &mut [Parameter], visit: &mut impl FnMut(&mut Bytes)) {
    for Parameter { name, value } in list {
        visit(name.octets_mut());
        visit(value);
    }
}

fn envelope(place: &mut Envelope, visit: &mut impl FnMut(&mut Bytes)) {
    let Envelope { date, subject, from, own_sender, own_reply_to, to, cc, bcc, in_reply_to, message_id } =
        place;
    for string in [date, subject, in_reply_to, message_id].into_iter().flatten() {
        visit(string);
    }
    for address in [from, own_sender, own_reply_to, to, cc, bcc].into_iter().flatten() {
        match address {
            Address::Mailbox { name, route, mailbox, host } => {
                for string in [name, route].into_iter().flatten().chain([mailbox, host]) {
                    visit(string);
                }
            }
            Address::GroupStart(name) => visit(name),
            Address::GroupEnd => {}
        }
    }
}
