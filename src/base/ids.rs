//! Identifiers. Each noun has its own type, so that one cannot stand where
//! another is meant.

use std::sync::Arc;

/// A text that is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an identifier: expected 1 to 64 of a-z, 0-9 and `-`, starting with a letter or digit"
)]
pub struct BadId {
    /// What was given.
    pub text: String,
}

fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0] != b'-'
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// 1 to 64 characters of `a-z`, `0-9` and `-`; safe in a path, a file name and a URL.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and wraps it.
            pub fn new(text: &str) -> Result<Self, BadId> {
                if is_id(text) { Ok(Self(text.into())) } else { Err(BadId { text: text.to_owned() }) }
            }
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(&text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// A television channel of the county.
    ChannelId;
    /// A lesson in the library; also the name of its package.
    LessonId;
    /// A relayed upstream.
    RelayId;
    /// A township (or a department) that sites belong to.
    TownshipId;
    /// What lessons are about: agriculture, health.
    TopicId;
    /// A village, community or unit where people watch.
    SiteId;
    /// A device enrolled at a site.
    TerminalId;
    /// A playback session, minted by the server.
    SessionId;
    /// A person's account, minted by the server.
    AccountId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_safe_in_a_path() {
        assert!(ChannelId::new("xiangtu").is_ok());
        assert!(LessonId::new("grape-pruning-2").is_ok());
        for bad in ["", "-a", "A", "a/b", "..", "a b", "葡萄", &"x".repeat(65)] {
            assert!(ChannelId::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}
