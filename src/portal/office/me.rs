//! One's own account: where one is signed in, and another password.

use hyper::StatusCode;

use crate::people::{Rights, SecretHash};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{MePage, Menu, OfficeHome, PageContext, SignInRow};
use crate::store::Ended;

use super::entry::{new_password, subject};
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

impl Portal {
    /// With what was wrong, and in which part of the page.
    pub(super) async fn me(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        error: Option<(&'static str, String)>,
    ) -> Answer {
        let factor = self.store.second_factor(visitor.account.id.clone()).await?;
        let sign_ins = self.store.sign_ins(visitor.account.id.clone()).await?;
        let rows = sign_ins.iter().filter(|s| s.holds(ctx.now)).map(|s| SignInRow {
            agent: &s.agent,
            seen: s.seen,
            id: hex::encode(s.hash.0),
            this: s.hash == visitor.sign_in.hash,
        });
        let linked = self.store.identities(visitor.account.id.clone()).await?;
        let provider = self.county.load().oidc.as_ref().map(|oidc| {
            let linked = linked.iter().find(|i| i.issuer == oidc.issuer);
            (ctx.plain(&oidc.names), linked.map(|i| i.name.clone()))
        });
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let page = MePage {
            name: &visitor.account.name,
            login: visitor.account.login.as_str(),
            rows: rows.collect(),
            provider,
            codes_left: factor.map(|f| f.codes_left),
            token: visitor.secret.form_token(),
            error,
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// `end`, `end-others`, `password`, or what concerns the second factor or a link.
    pub(super) async fn change_me(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        what: &str,
        form: &Form,
    ) -> Answer {
        let me = &visitor.account.id;
        let entry = |what: &str| request.entry(Some(me), what, subject(me));
        match what {
            "end" => {
                let mut hash = [0; 32];
                hex::decode_to_slice(form.get("id"), &mut hash).map_err(|_| Refusal::Unknown)?;
                let ended = Ended::One(SecretHash(hash));
                self.store.end_sign_ins(me.clone(), ended, entry("sign-in-ended")).await?;
            }
            "end-others" => {
                let ended = Ended::AllBut(visitor.sign_in.hash);
                self.store.end_sign_ins(me.clone(), ended, entry("other-sign-ins-ended")).await?;
            }
            "password" => {
                let login = &visitor.account.login;
                if let Err(error) = self.knows_password(request, ctx, visitor, form).await? {
                    return self.me(ctx, visitor, Some(("password", error))).await;
                }
                if let Err(key) = new_password(form, login) {
                    return self.me(ctx, visitor, Some(("password", ctx.t(key)))).await;
                }
                let password = self.gate.hash(form.raw("password")).await?;
                let keep = visitor.sign_in.hash;
                self.store.change_password(me.clone(), password, keep, entry("password-changed")).await?;
            }
            "second-factor" => return self.begin_second_factor(request, ctx, visitor, form).await,
            "second-factor-on" => return self.confirm_second_factor(request, ctx, visitor, form).await,
            "second-factor-off" => return self.end_second_factor(request, ctx, visitor, form).await,
            "link" => return self.begin_link(request, ctx, visitor, form).await,
            "unlink" => return self.unlink(request, visitor).await,
            _ => return Err(Refusal::Unknown),
        }
        Ok(Reply::see_other("/me"))
    }
}

/// Where everybody begins who has signed in.
pub(super) fn office_home(ctx: &PageContext<'_>, visitor: &Visitor, rights: &Rights<'_>) -> Answer {
    let page = OfficeHome { name: &visitor.account.name, menu: Menu::of(rights) };
    Ok(html(page.render(ctx)?))
}
