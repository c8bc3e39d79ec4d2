//! Lessons one after another, as for a study evening.

use serde::{Deserialize, Serialize};

use super::{LessonId, Titles};

/// A list of lessons that are played one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evening {
    /// What it is called.
    pub titles: Titles,
    /// The lessons, each once, in their order; no more than [`Evening::MOST`].
    pub lessons: Vec<LessonId>,
}

impl Evening {
    /// Lessons in one list.
    pub const MOST: usize = 40;

    /// The lessons that are named, each once, as many as there is room for; what is no name is
    /// left out.
    pub fn lessons_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<LessonId> {
        let mut lessons: Vec<LessonId> = Vec::new();
        for id in names.into_iter().filter_map(|name| LessonId::new(name).ok()) {
            if !lessons.contains(&id) && lessons.len() < Self::MOST {
                lessons.push(id);
            }
        }
        lessons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_and_in_the_order_they_were_named() {
        let lessons = Evening::lessons_of(["roots", "grape", "../x", "", "roots", "wheat"]);
        assert_eq!(lessons.iter().map(LessonId::as_str).collect::<Vec<_>>(), ["roots", "grape", "wheat"]);
        let many: Vec<String> = (0..100).map(|n| format!("l{n}")).collect();
        assert_eq!(Evening::lessons_of(many.iter().map(String::as_str)).len(), Evening::MOST);
    }
}
