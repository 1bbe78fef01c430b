//! A message's life in plain words: what happened, to whom, and what a refusal means and asks for.

use super::{Event, State};

/// One change of a message's state, as a sentence. Whatever a peer has said is made harmless for a terminal.
pub fn sentence(event: &Event) -> String {
    let to =
        if event.to.is_empty() { String::new() } else { format!(" for {}", shown(&event.to.join(", "))) };
    let told = if event.result.is_empty() {
        String::new()
    } else {
        format!("; the other side was told \"{}\"", shown(&event.result))
    };
    match event.state {
        State::Received => {
            let size = event.size.map(|size| format!(", {size} octets")).unwrap_or_default();
            let peer =
                if event.peer.is_empty() { String::new() } else { format!(" from {}", shown(&event.peer)) };
            format!("It came in by {}{peer}: sent by {}{to}{size}.", way(&event.service), sender(&event.from))
        }
        State::Delivered => format!("It was delivered{to}, and is safely in the mailbox."),
        State::Refused => match meaning(&event.result) {
            Some(meaning) => format!("It was refused{to}: {meaning}{told}."),
            None => format!("It was refused{to}{told}."),
        },
        State::Dropped => format!(
            "It did not arrive whole{to}: the connection ended in the middle ({}). Nothing of it was kept; the sender \
             tries again.",
            shown(&event.result)
        ),
        State::Queued => format!("It waits in the queue{to}."),
        State::Deferred => format!("It could not be passed on{to} and will be tried again{told}."),
        State::Sent => format!("It was passed on{to}{told}."),
        State::Bounced => format!("It was given up{to}, and its sender was told{told}."),
    }
}

/// What a refusal means and asks for, by its enhanced status code (RFC 3463) and whether it is for good.
fn meaning(result: &str) -> Option<&'static str> {
    let mut words = result.split(' ');
    let (code, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (class, rest) = status.split_once('.').unwrap_or((code.get(..1).unwrap_or_default(), ""));
    Some(match (class, rest) {
        ("5", "1.1") => "nobody has this address here (check its spelling, or make the account or an alias)",
        ("5", "2.1") => "the mailbox is switched off (see `posthaste account show`)",
        ("4", "2.2") => {
            "the mailbox is full for now (raise its quota or let its user delete mail; the sender tries again)"
        }
        ("5", "2.2") => "the mailbox is full",
        ("5", "2.3") => {
            "the message is larger than the mailbox or the sender may have it (see `posthaste quota list`)"
        }
        ("5", "3.4") => {
            "the message is larger than this server takes (see message_size in the configuration)"
        }
        ("4", "7.1") => {
            "its sender's server is not known here yet, and the domain has greylisting on (see `posthaste domain show`; \
             the sender tries again by itself)"
        }
        ("4", "3.1") => "this server's disk is too full for it (make room; the sender tries again)",
        ("5", "4.6") => "it has been here before: some forwarding goes in circles",
        ("5", "7.1") => "the sender may not write there, or this server does not serve that domain",
        ("5", "7.0") => "the sender was not allowed to",
        ("4", _) => "for now; the sender tries again by itself",
        ("5", _) => "for good; its sender is told by the server it came from",
        _ => return None,
    })
}

/// How a message comes in.
fn way(service: &str) -> &str {
    match service {
        "smtp" => "SMTP",
        "submission" => "submission by one of the users",
        "lmtp" => "LMTP",
        "" => "an unknown way",
        other => other,
    }
}

fn sender(from: &str) -> String {
    if from.is_empty() || from == "<>" { "nobody (a report or receipt)".to_owned() } else { shown(from) }
}

/// Text of a peer without what a terminal would act on.
fn shown(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::super::TraceId;
    use super::*;

    fn event(state: State, result: &str) -> Event {
        let (to, result) = (vec!["<anna@x.test>".to_owned()], result.to_owned());
        Event { to, result, from: "<a@b.test>".to_owned(), ..Event::new(TraceId::next(), state) }
    }

    #[test]
    fn u28_each_state_is_told_in_plain_words() {
        let received = Event {
            service: "submission".to_owned(),
            peer: "192.0.2.1 bob@x.test".to_owned(),
            size: Some(2048),
            ..event(State::Received, "")
        };
        assert_eq!(
            sentence(&received),
            "It came in by submission by one of the users from 192.0.2.1 bob@x.test: sent by <a@b.test> for \
             <anna@x.test>, 2048 octets."
        );
        let states = [
            (State::Delivered, "delivered for <anna@x.test>"),
            (State::Dropped, "did not arrive whole"),
            (State::Queued, "waits in the queue"),
            (State::Deferred, "tried again"),
            (State::Sent, "passed on"),
            (State::Bounced, "given up"),
        ];
        for (state, wanted) in states {
            let told = sentence(&event(state, "250 OK"));
            assert!(told.contains(wanted) && told.ends_with('.'), "{told}");
        }
    }

    #[test]
    fn u28_a_refusal_says_what_it_means_and_what_to_do() {
        for (result, wanted) in [
            ("550 5.1.1 No such user", "make the account or an alias"),
            ("452 4.2.2 Mailbox full", "raise its quota"),
            ("452 4.3.1 Insufficient storage", "disk is too full"),
            ("451 4.7.1 Greylisted", "greylisting"),
            ("451 4.3.0 Try later", "tries again by itself"),
            ("554 Refused", "for good"),
            ("421 Later", "tries again by itself"),
        ] {
            let told = sentence(&event(State::Refused, result));
            assert!(told.contains(wanted) && told.contains(&format!("\"{result}\"")), "{told}");
        }
    }

    #[test]
    fn u28_what_a_peer_has_said_does_not_reach_the_terminal_as_it_is() {
        let told = sentence(&Event { from: "<\u{1b}[2J\r\n@x>".to_owned(), ..event(State::Received, "") });
        assert!(!told.chars().any(char::is_control), "{told:?}");
        assert!(sentence(&Event { from: "<>".to_owned(), ..event(State::Received, "") }).contains("nobody"));
    }
}
