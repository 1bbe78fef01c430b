//! What a server says of itself: CAPA (RFC 2449 5) and LANG (RFC 6856 3).

use alloc::string::String;
use alloc::vec::Vec;

use super::maildrop::Marked;
use super::{Language, Server, Text, TlsOffer, UserPass, Utf8Offer};
use crate::{Announced, Capability, LanguageRange, Scope, Status, Verb, encode};

impl Server {
    /// What CAPA announces now. What can be done in either state is announced in both, as RFC 2449 5 has it, but for
    /// STLS, which RFC 2595 4 wants in the authorization state only.
    pub fn capabilities(&self) -> Vec<Capability> {
        let config = &self.config;
        let takes_credentials = self.takes_credentials();
        let mut all = alloc::vec![
            Capability::Top,
            Capability::Uidl,
            Capability::RespCodes,
            Capability::AuthRespCode,
            Capability::Pipelining,
        ];
        if takes_credentials && config.user_pass == UserPass::Offered {
            all.push(Capability::User);
        }
        if takes_credentials && !config.mechanisms.is_empty() {
            all.push(Capability::Sasl(config.mechanisms.clone()));
        }
        if self.state.allows(Verb::Stls)
            && config.tls == TlsOffer::StartTls
            && !self.security.is_tls()
            && !self.utf8
        {
            all.push(Capability::Stls);
        }
        if let Utf8Offer::Offered(names) = config.utf8 {
            all.push(Capability::Utf8(names));
        }
        if !config.languages.is_empty() {
            all.push(Capability::Lang);
        }
        let maildrop = self.maildrop.as_ref();
        let expire = announced(config.expire, maildrop, Marked::expire);
        all.extend(expire.map(Capability::Expire));
        let login_delay = announced(config.login_delay, maildrop, Marked::login_delay);
        all.extend(login_delay.map(Capability::LoginDelay));
        if !config.implementation.is_empty() {
            all.push(Capability::Implementation(String::from(&config.implementation)));
        }
        all
    }

    pub(super) fn capa(&mut self) {
        let capabilities = self.capabilities();
        self.ok(Text::CapabilitiesFollow);
        self.out.encode(|out| {
            for capability in &capabilities {
                encode::capability(capability, out);
            }
            out.extend_from_slice(b".\r\n");
        });
    }

    pub(super) fn list_languages(&mut self) {
        if !self.offers_languages() {
            return;
        }
        self.ok(Text::LanguagesFollow);
        let languages = &self.config.languages;
        self.out.encode(|out| {
            for Language { tag, name, .. } in languages {
                encode::append(out, format_args!("{tag} "));
                encode::clean_utf8(name, out);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b".\r\n");
        });
    }

    pub(super) fn change_language(&mut self, range: &LanguageRange) {
        if !self.offers_languages() {
            return;
        }
        let languages = &self.config.languages;
        let found = match range {
            LanguageRange::Any => Some(0),
            LanguageRange::Tag(range) => languages.iter().position(|it| it.tag.matches(range)),
        };
        let Some((index, tag)) = found.and_then(|index| Some((index, languages.get(index)?.tag.clone())))
        else {
            self.err(Text::NoSuchLanguage);
            return;
        };
        self.language = Some(index);
        self.say_with(Status::Ok, |out| {
            encode::append(out, format_args!(" {tag}"));
            Some(Text::LanguageChanged)
        });
    }

    fn offers_languages(&mut self) -> bool {
        let offers = !self.config.languages.is_empty();
        if !offers {
            self.violate(crate::Violation::NotOffered { verb: Verb::Lang }, Text::Malformed);
        }
        offers
    }
}

/// A value as it is announced: the worst case before the login, the user's own behind it.
fn announced<T: Copy>(
    before: Option<Announced<T>>,
    maildrop: Option<&Marked>,
    own: impl FnOnce(&Marked) -> Option<T>,
) -> Option<Announced<T>> {
    let Some(maildrop) = maildrop else { return before };
    let value = own(maildrop).or(before.map(|it| it.value))?;
    Some(Announced { value, scope: Scope::Exact })
}
