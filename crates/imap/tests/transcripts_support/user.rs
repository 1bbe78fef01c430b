//! A user of a client machine who asks what the script asks: the commands are taken from its `C` lines, understood
//! by the codec, and queued as values, so that it is the machine that writes them.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use posthaste_imap::client::{AppendContent, AppendMessage, AppendPart, Client, Event};
use posthaste_imap::types::{
    Addressing, AppendData, AppendHead, Command, Mailbox, ParseContext, SequenceNumber,
};
use posthaste_imap::{Secret, parse};

/// One who follows a script.
#[derive(Debug, Default)]
pub(crate) struct User {
    /// What is sent together, and together awaited.
    flights: VecDeque<Vec<Wish>>,
    /// How many commands are not answered.
    open: usize,
    /// Messages for APPEND, responses for AUTHENTICATE, in their order.
    messages: VecDeque<Bytes>,
    responses: VecDeque<Vec<u8>>,
    /// How many responses each IDLE waits for.
    waits: VecDeque<usize>,
    idling: Option<usize>,
    /// What the machine did not understand, in words.
    pub(crate) puzzled: Option<String>,
}

/// What is asked for.
#[derive(Debug)]
enum Wish {
    /// What this line says.
    Line(Bytes),
    Append(Mailbox, Vec<AppendMessage>),
    Replace(Addressing, SequenceNumber, Mailbox, AppendMessage),
}

/// What a line of the client is part of.
enum Within {
    Commands,
    Sasl,
    Idle,
}

impl User {
    /// The user of `script`. Commands that the machine sends by itself are `own`.
    pub(crate) fn new(script: &str, own: &[&str]) -> Self {
        let mut user = Self::default();
        let (mut line, mut within, mut heard) = (Vec::new(), Within::Commands, true);
        let mut waited = 0;
        for entry in script.lines().map(str::trim_start) {
            let Some((mark, text)) = entry.split_at_checked(2) else { continue };
            let text = text.strip_prefix(' ').unwrap_or(text);
            let octets = match mark {
                "C:" | "C!" => format!("{text}\r\n").into_bytes(),
                // Of the escapes these are the ones that occur.
                "C|" => text.replace("\\r", "\r").replace("\\n", "\n").replace("\\\\", "\\").into_bytes(),
                "S:" | "S&" | "S!" | "S|" => {
                    let is_tagged = !text.starts_with("* ") && !text.starts_with('+') && mark != "S|";
                    if is_tagged && !line.is_empty() {
                        // Its literal was refused.
                        let refused = std::mem::take(&mut line);
                        user.add(&refused, own, &mut heard);
                    }
                    heard |= line.is_empty();
                    waited += usize::from(text.starts_with("* ") || mark == "S|");
                    if is_tagged && matches!(within, Within::Sasl) {
                        within = Within::Commands;
                    }
                    if text.starts_with("+ ") {
                        waited = 0;
                    }
                    continue;
                }
                _ => continue,
            };
            match within {
                Within::Sasl => {
                    user.responses.push_back(STANDARD.decode(text.trim_end()).unwrap_or(b"*".to_vec()));
                    continue;
                }
                Within::Idle => {
                    user.waits.push_back(waited);
                    within = Within::Commands;
                    continue;
                }
                Within::Commands => line.extend(octets),
            }
            if !is_complete(&line) {
                continue;
            }
            let complete = std::mem::take(&mut line);
            within = match user.add(&complete, own, &mut heard).as_str() {
                "AUTHENTICATE" => Within::Sasl,
                "IDLE" => Within::Idle,
                _ => Within::Commands,
            };
        }
        user
    }

    /// Adds a command to the flight it belongs to; its name.
    fn add(&mut self, octets: &[u8], own: &[&str], heard: &mut bool) -> String {
        let name =
            String::from_utf8_lossy(octets).split([' ', '\r']).nth(1).unwrap_or_default().to_uppercase();
        if own.contains(&name.as_str()) {
            return name;
        }
        if std::mem::take(heard) || self.flights.is_empty() {
            self.flights.push_back(Vec::new());
        }
        if let Some((wish, bodies)) = stored(octets) {
            self.messages.extend(bodies);
            self.flights.back_mut().unwrap().push(wish);
            return name;
        }
        let mut end = octets.len() - 2;
        if name == "APPEND" {
            let head = octets.windows(3).position(|window| window == b"}\r\n").unwrap_or(end);
            if is_complete(octets) {
                self.messages
                    .push_back(Bytes::copy_from_slice(octets.get(head + 3..end).unwrap_or_default()));
            }
            end = (head + 1).min(end);
        }
        let line = Bytes::copy_from_slice(&octets[..end]);
        self.flights.back_mut().unwrap().push(Wish::Line(line));
        name
    }

    /// Does what is to be done next.
    pub(crate) fn act(&mut self, client: &mut Client, event: Event) {
        let words = format!("{event:?}");
        let is_known = !words.starts_with("Other(") && !words.starts_with("Violation(");
        if !is_known || words.contains("Opaque {") || words.contains("code: Some(Other") {
            self.puzzled.get_or_insert(words);
        }
        match event {
            Event::Ready => self.next(client),
            Event::AppendReady(mut writer) => {
                writer.write(client, self.messages.pop_front().unwrap_or_default()).unwrap();
                writer.finish(client).unwrap();
            }
            Event::Challenge(challenge) => match self.responses.pop_front() {
                Some(response) if response != b"*" => {
                    challenge.respond(client, Secret::from(&response[..])).unwrap();
                }
                _ => challenge.cancel(client).unwrap(),
            },
            Event::Idling(_) => {
                self.idling = self.waits.pop_front();
                self.wait(client);
            }
            Event::Done { .. } | Event::NotSent { .. } => {
                self.open -= 1;
                if self.open == 0 {
                    self.next(client);
                }
            }
            Event::Row(_) | Event::Item(_) | Event::Literal { .. } | Event::Body(_) | Event::LiteralEnd => {}
            _ => {
                self.idling = self.idling.map(|left| left.saturating_sub(1));
                self.wait(client);
            }
        }
    }

    fn wait(&mut self, client: &mut Client) {
        if self.idling == Some(0) {
            self.idling = None;
            client.done().unwrap();
        }
    }

    /// Asks for what is next. What the codec does not understand, or the machine does not take, is not sent: the
    /// conversation then stops there.
    fn next(&mut self, client: &mut Client) {
        for wish in self.flights.pop_front().unwrap_or_default() {
            let asked = match wish {
                Wish::Line(line) => match parse::command(&line, &ParseContext::server()) {
                    Ok(parsed) => client.command(parsed.command),
                    Err(_) => return,
                },
                Wish::Append(mailbox, messages) => client.append_all(mailbox, messages),
                Wish::Replace(addressing, replaced, mailbox, by) => {
                    client.replace(addressing, replaced, mailbox, by)
                }
            };
            if asked.is_ok() {
                self.open += 1;
            }
        }
    }
}

/// What an APPEND of several messages, or one of parts, or a REPLACE asks for, and the octets of its literals, as far as
/// they are there; `None` for all other commands.
fn stored(octets: &[u8]) -> Option<(Wish, Vec<Bytes>)> {
    let (lines, bodies) = pieces(octets);
    let understood =
        |line: String| Some(parse::command(&Bytes::from(line), &ParseContext::server()).ok()?.command);
    let (head, data, replaced) = match understood(lines.first()?.clone())? {
        Command::Append(head, data) => (head, data, None),
        Command::Replace(addressing, replace) => {
            (replace.head, replace.data, Some((addressing, replace.message)))
        }
        _ => return None,
    };
    let mailbox = head.mailbox.clone();
    let mut messages = Vec::new();
    let mut message = Some(begun(head, data));
    for line in lines.iter().skip(1).filter(|line| !line.is_empty()) {
        let is_part = matches!(&message, Some((_, false)));
        if is_part && line == ")" {
            break;
        }
        let line = match is_part {
            true => format!("A APPEND x CATENATE ({}", line.trim_start()),
            false => format!("A APPEND x{line}"),
        };
        let Command::Append(head, data) = understood(line)? else { return None };
        let next = begun(head, data);
        match message.take() {
            Some((mut whole, false)) => {
                if let (AppendContent::Parts(parts), AppendContent::Parts(more)) =
                    (&mut whole.content, next.0.content)
                {
                    parts.extend(more);
                }
                message = Some((whole, next.1));
            }
            before => {
                messages.extend(before.map(|(message, _)| message));
                message = Some(next);
            }
        }
    }
    messages.extend(message.map(|(message, _)| message));
    let is_plain = matches!(&messages[..], [AppendMessage { content: AppendContent::Octets(_), .. }]);
    let wish = match replaced {
        Some((addressing, replaced)) => Wish::Replace(addressing, replaced, mailbox, messages.pop()?),
        None if is_plain => return None,
        None => Wish::Append(mailbox, messages),
    };
    Some((wish, bodies))
}

/// A message as it is begun, and whether nothing more can be said of it.
fn begun(head: AppendHead, data: AppendData) -> (AppendMessage, bool) {
    let (content, is_whole) = match data {
        AppendData::Literal(header) if header.binary => (AppendContent::Binary(header.len), true),
        AppendData::Literal(header) => (AppendContent::Octets(header.len), true),
        AppendData::Utf8(header) => (AppendContent::Utf8(header.len), true),
        AppendData::Catenate(run) => {
            let urls = run.urls.into_iter().map(AppendPart::Url);
            let text = run.text.map(|header| AppendPart::Text(header.len));
            (AppendContent::Parts(urls.chain(text).collect()), run.text.is_none())
        }
    };
    (AppendMessage { flags: head.flags, date: head.date_time, content }, is_whole)
}

/// A command as its lines without their ends, and the literals between them, as far as they are there.
fn pieces(octets: &[u8]) -> (Vec<String>, Vec<Bytes>) {
    let (mut lines, mut bodies, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(end) = octets[at..].windows(2).position(|window| window == b"\r\n") {
        let line = String::from_utf8_lossy(&octets[at..at + end]).into_owned();
        at += end + 2;
        let length = literal(&line);
        lines.push(line);
        let Some(length) = length else { break };
        match octets.get(at..at + length) {
            Some(body) => bodies.push(Bytes::copy_from_slice(body)),
            None => break,
        }
        at += length;
    }
    (lines, bodies)
}

/// How many octets the literal has in which a line ends.
fn literal(line: &str) -> Option<usize> {
    let (_, length) = line.strip_suffix('}')?.rsplit_once('{')?;
    length.trim_end_matches('+').parse().ok()
}

/// Whether a command is complete: its line ends in no literal, and all announced octets are there.
fn is_complete(command: &[u8]) -> bool {
    let mut at = 0;
    loop {
        let Some(end) = command[at..].windows(2).position(|window| window == b"\r\n") else { return false };
        let text = String::from_utf8_lossy(&command[at..at + end]).into_owned();
        at += end + 2;
        let Some(length) = literal(&text) else {
            return at >= command.len();
        };
        at += length;
        if at > command.len() {
            return false;
        }
    }
}
