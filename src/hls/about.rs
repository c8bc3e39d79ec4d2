//! What is known of a lesson besides its media.

use crate::base::Titles;

/// What the catalogue says of a lesson; what is empty is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Details {
    /// One of the county's topics, by its identifier.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// The series it belongs to, in the same words in each of its lessons.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub series: String,
    /// Which part of it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// For whom it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// Who speaks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub speakers: String,
    /// Under which licence it is shown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// What it is about, by language.
    #[serde(skip_serializing_if = "no_titles")]
    pub summary: Titles,
}

fn no_titles(titles: &Titles) -> bool {
    titles.0.is_empty()
}

impl Details {
    /// True if nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every text that is searched.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let plain = [&self.series, &self.audience, &self.speakers].map(String::as_str);
        plain.into_iter().chain(self.summary.0.values().map(String::as_str))
    }
}

/// Titles of a lesson and what else is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// By language.
    pub titles: Titles,
    /// The rest.
    #[serde(flatten)]
    pub details: Details,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_written() {
        let about = About {
            titles: Titles::from([("en", "Grapes")]),
            details: Details { topic: "agriculture".into(), part: Some(2), ..Details::default() },
        };
        let written = serde_json::to_string(&about).expect("written");
        assert_eq!(written, r#"{"titles":{"en":"Grapes"},"topic":"agriculture","part":2}"#);
        assert_eq!(serde_json::from_str::<About>(&written).expect("read"), about);
        assert!(Details::default().is_empty() && !about.details.is_empty());
    }
}
