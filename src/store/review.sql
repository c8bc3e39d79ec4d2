-- What was done to one lesson, or any other subject, is looked up.
create index audit_subject on audit (subject, id);
