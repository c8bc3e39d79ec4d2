//! What can be had of a lesson beside its pages and its media.

use hyper::body::Incoming;
use hyper::{Request, Response};
use percent_encoding::percent_decode_str;

use crate::base::{Lang, LessonId};
use crate::delivery::{Body, DownloadWish};
use crate::hls::Manifest;

use super::answer::answer;
use super::query::param;
use super::router::Router;

impl Router {
    /// The lesson as a file, its pictures, its documents; none: it is something else of it.
    pub(super) async fn lesson_file(
        &self,
        request: &Request<Incoming>,
        id: &str,
        rest: &[&str],
    ) -> Option<Response<Body>> {
        let (method, headers) = (request.method(), request.headers());
        let query = request.uri().query().unwrap_or_default();
        let lesson = LessonId::new(id).ok()?;
        match rest {
            ["poster.jpg"] => Some(answer(self.portal.picture(id, poster).await, method)),
            ["storyboard.jpg"] => Some(answer(self.portal.picture(id, storyboard).await, method)),
            [file @ ("download" | "download.zip")] => {
                let lang = param(query, "lang").and_then(|l| Lang::new(l).ok());
                let archive = *file == "download.zip";
                let wish = DownloadWish { rung: param(query, "rung"), lang: lang.as_ref(), archive };
                Some(self.delivery.download(method, &lesson, wish, headers).await)
            }
            ["files", name, picture @ ..] => {
                let name = percent_decode_str(name).decode_utf8().ok()?;
                match picture {
                    [] => Some(self.delivery.attached(method, (&lesson, &name), headers).await),
                    ["thumbnail"] => Some(self.delivery.thumbnail(&lesson, &name).await),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn poster(made: &Manifest) -> Option<&str> {
    made.poster.as_deref()
}

fn storyboard(made: &Manifest) -> Option<&str> {
    made.storyboard.as_ref().map(|board| board.file.as_str())
}
