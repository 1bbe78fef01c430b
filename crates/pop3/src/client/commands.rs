//! What an application can ask a client for. Each call returns at once; the answer comes as events with the same id.

use posthaste_wire::{Misuse, Secret, Time};

use super::machine::Queued;
use super::{Client, CommandId};
use crate::session::State;
use crate::{Command, LanguageRange, MechanismName, MessageNumber, Password, UserName};

/// Whether a server has an optional command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// CAPA says that it has.
    Announced,
    /// CAPA does not say so, but it was tried and worked.
    Works,
    /// CAPA does not say so, and it was tried and refused. A TOP may have been refused for its message.
    Refused,
    /// CAPA does not say so, which some servers do that have it: try.
    Unknown,
}

impl Client {
    /// Logs in with USER and PASS. Held back until [`Event::Ready`](super::Event::Ready). A name or password that is not ASCII is sent only
    /// where the server announces that it takes such ([`Event::NotSent`](super::Event::NotSent) where not; RFC 6856 2.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] when name or password cannot be sent; [`Misuse::NotNow`] when logged in, when a login is
    /// on its way, or behind [`quit`](Self::quit).
    pub fn login(&mut self, user: &str, password: Secret) -> Result<CommandId, Misuse> {
        let (user, password) = (UserName::new(user)?, Password::new(password)?);
        fits("user name", user.as_str().len())?;
        fits("password", password.secret().len())?;
        self.queue_login(Queued::UserPass { user, password }, "login")
    }

    /// Logs in with a SASL mechanism, with its initial response where it has one. Held back until
    /// [`Event::Ready`](super::Event::Ready); challenges come as [`Event::Challenge`](super::Event::Challenge).
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login).
    pub fn authenticate(&mut self, mechanism: &str, initial: Option<Secret>) -> Result<CommandId, Misuse> {
        let login = Queued::Sasl { mechanism: MechanismName::new(mechanism)?, initial };
        self.queue_login(login, "authenticate")
    }

    /// Logs in with APOP (RFC 1939 7): [`Event::Apop`](super::Event::Apop) asks for the digest. Held back until [`Event::Ready`](super::Event::Ready);
    /// [`Event::NotSent`](super::Event::NotSent) where the greeting has no timestamp.
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login).
    pub fn apop(&mut self, user: &str) -> Result<CommandId, Misuse> {
        let user = UserName::new(user)?;
        if user.as_str().contains(' ') {
            return Err(Misuse::Argument { argument: "user name", problem: "holds a space" });
        }
        fits("user name", user.as_str().len().saturating_add(" ".len()).saturating_add(32))?;
        self.queue_login(Queued::Apop { user }, "apop")
    }

    /// Asks for messages in UTF-8 (RFC 6856 2.1). Before the login; held back until [`Event::Ready`](super::Event::Ready).
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] behind the login, also one that is queued, and behind [`quit`](Self::quit).
    pub fn utf8(&mut self) -> Result<CommandId, Misuse> {
        if self.logging_in {
            return Err(Misuse::NotNow { call: "UTF8", state: "behind a login" });
        }
        self.queue_command(Command::Utf8)
    }

    /// Asks for the languages of the server: [`Event::Language`](super::Event::Language) each, then [`Event::ListEnd`](super::Event::ListEnd) (RFC 6856 3.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] behind [`quit`](Self::quit).
    pub fn languages(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Lang(None))
    }

    /// Asks for texts in a language (RFC 6856 3.2).
    ///
    /// # Errors
    ///
    /// As [`languages`](Self::languages).
    pub fn language(&mut self, range: LanguageRange) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Lang(Some(range)))
    }

    /// Asks how many messages and octets there are: [`Event::Stat`](super::Event::Stat).
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] before the login and behind [`quit`](Self::quit). So with all commands below.
    pub fn stat(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Stat)
    }

    /// Asks for the sizes of all messages: [`Event::Size`](super::Event::Size) each, then [`Event::ListEnd`](super::Event::ListEnd).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn list(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::List(None))
    }

    /// Asks for the size of one message: [`Event::Size`](super::Event::Size), then [`Event::ListEnd`](super::Event::ListEnd).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn list_one(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::List(Some(number)))
    }

    /// Asks for the unique-ids of all messages: [`Event::Uidl`](super::Event::Uidl) each, then [`Event::ListEnd`](super::Event::ListEnd).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn uidl(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Uidl(None))
    }

    /// Asks for the unique-id of one message: [`Event::Uidl`](super::Event::Uidl), then [`Event::ListEnd`](super::Event::ListEnd).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn uidl_one(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Uidl(Some(number)))
    }

    /// Asks for a message: [`Event::Body`](super::Event::Body) in pieces, then [`Event::BodyEnd`](super::Event::BodyEnd).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn retr(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Retr(number))
    }

    /// Asks for the header of a message and some lines of its body: as [`retr`](Self::retr).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn top(&mut self, number: MessageNumber, lines: u32) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Top { number, lines })
    }

    /// Marks a message to be removed at [`quit`](Self::quit). To be queued only when the message is stored safely:
    /// commands are sent ahead, so the connection may be cut inside a message whose removal was sent already.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn dele(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Dele(number))
    }

    /// Does nothing, and keeps the session alive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn noop(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Noop)
    }

    /// Takes all marks away.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn rset(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Rset)
    }

    /// Ends the session, behind all that is queued: a positive answer means that what was marked is removed. A
    /// connection that ends without the answer leaves that unknown. Held back until [`Event::Ready`](super::Event::Ready).
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] when it was called before.
    pub fn quit(&mut self) -> Result<CommandId, Misuse> {
        if self.quitting || self.end.is_some() {
            return Err(Misuse::NotNow { call: "quit", state: "twice" });
        }
        self.quitting = true;
        let id = self.next_id();
        self.queue.push_back((id, Queued::Command(Command::Quit)));
        Ok(id)
    }

    /// Quits as soon as what is on its way is answered, where that was not done yet.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        let _ = self.quit();
    }

    fn queue_login(&mut self, login: Queued, call: &'static str) -> Result<CommandId, Misuse> {
        let state = match self.state {
            _ if self.end.is_some() => "after the end",
            _ if self.quitting => "behind QUIT",
            State::Transaction | State::Update => "after the login",
            State::Authorization if self.logging_in => "while another is on its way",
            State::Authorization => {
                let id = self.next_id();
                self.logging_in = true;
                self.queue.push_back((id, login));
                return Ok(id);
            }
        };
        Err(Misuse::NotNow { call, state })
    }

    fn queue_command(&mut self, command: Command) -> Result<CommandId, Misuse> {
        let call = command.verb().as_str();
        if self.end.is_some() || self.quitting {
            return Err(Misuse::NotNow { call, state: "behind QUIT or after the end" });
        }
        if !self.state.allows(command.verb()) {
            let state = match self.state {
                State::Authorization => "before the login",
                State::Transaction | State::Update => "after the login",
            };
            return Err(Misuse::NotNow { call, state });
        }
        let id = self.next_id();
        self.queue.push_back((id, Queued::Command(command)));
        Ok(id)
    }

    const fn next_id(&mut self) -> CommandId {
        self.last_id = self.last_id.wrapping_add(1);
        CommandId(self.last_id)
    }
}

/// Whether a command of four letters with this argument is within what RFC 2449 4 allows.
fn fits(argument: &'static str, octets: usize) -> Result<(), Misuse> {
    if octets > ARGUMENT_MAX {
        return Err(Misuse::Argument { argument, problem: "makes a command of more than 255 octets" });
    }
    Ok(())
}

/// 255 less the keyword, a space and CR LF.
const ARGUMENT_MAX: usize = 248;
