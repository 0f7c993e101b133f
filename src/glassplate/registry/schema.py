"""Tables of the registry, version 2, and what makes version 1 of it; those that came later are made where missing."""

VERSION = 2  # pragma user_version; version 1 had none

SCHEMA = """
begin;
create table meta(k text primary key, v text not null);
create table account(
  account_id text primary key, display_name text not null, roles text not null, active integer not null,
  training_valid_until text, invitation_sha256 text, invitation_expires_at text);
create table passkey(
  credential_id text primary key, account_id text not null, public_key text not null, sign_count integer not null,
  is_demo integer not null);
create table session(
  token_sha256 text primary key, account_id text not null, method text not null, started_at text not null,
  expires_at text not null, seen_at text not null);
create table search(
  entry_index integer primary key, account_id text not null, recorded_at text not null, outcome_index integer,
  outcome text, reads_shown integer not null default 0);
create index search_by_account on search(account_id, recorded_at);
create table question(
  finding_index integer not null, search_index integer not null, reply_index integer,
  primary key(finding_index, search_index));
create table hotlist(
  entry_id text primary key, plate text not null, folded text not null, region text not null, category text not null,
  authority text not null, reason text not null, expires_at text not null, added_at text not null);
create index hotlist_by_plate on hotlist(folded, entry_id, expires_at);
create index hotlist_by_end on hotlist(expires_at);
create table alert(
  alert_id text primary key, raised_at text not null, read_id text not null, epoch_id text not null,
  camera_id text not null, entry_id text not null, region_matches integer, state text not null,
  disposition text, shown_to text not null default '', matched text not null default 'exact');
create index alert_by_time on alert(raised_at);
create table epoch(
  epoch_id text primary key, destroy_at text, created_index integer, closed_index integer, destroyed_index integer,
  reads integer);
create table segment(name text primary key, epoch_id text not null, sha256 text not null, reads integer not null);
create table counter(name text primary key, value integer not null);
insert into meta values ('applied_size', '0');
pragma user_version=2;
commit;
"""

FROM_VERSION_1 = """
begin;
alter table alert add column matched text not null default 'exact';
create index alert_by_time on alert(raised_at);
drop index hotlist_by_folded;
create index hotlist_by_plate on hotlist(folded, entry_id, expires_at);
create index hotlist_by_end on hotlist(expires_at);
pragma user_version=2;
commit;
"""

APPROVALS = """
create table if not exists account_maker(account_id text primary key, made_by text not null);
create table if not exists approval_request(
  request_id text primary key, action text not null, account_id text not null, request_sha256 text not null,
  entry_index integer not null, asked_at text not null, expires_at text not null, is_refused integer not null default 0,
  used_index integer);
create index if not exists approval_request_by_hash on approval_request(request_sha256);
create table if not exists approval_given(
  request_id text not null, account_id text not null, is_approved integer not null, given_at text not null,
  entry_index integer not null, primary key(request_id, account_id));
create table if not exists invitation_part(
  account_id text primary key, request_id text not null, part_sha256 text);
"""

ROOTS = """
create table if not exists segment_root(name text primary key, epoch_id text not null, root text not null);
"""

HOLDS = """
create table if not exists hold(
  hold_id text primary key, entry_index integer not null, account_id text not null, case_number text not null,
  placed_at text not null, ends_at text not null, authority text not null, is_scope integer not null,
  alert_id text, state text not null, reads integer not null default 0, parts text not null default '',
  kept_index integer, ended_index integer);
create index if not exists hold_by_case on hold(case_number);
"""
