//! The Lua scripts that the server runs. A script is atomic: the server's journal contains all of its writes or no
//! write. An operation is therefore one script, and one round trip.
//!
//! Keys: `lanyard:record:KEY` is a row (`row`), `lanyard:owner:LISTING` the ids of the records of
//! an index entry by expiry, `lanyard:due:KIND` the keys of records by due time, `lanyard:expiry`
//! the keys of all records by expiry, `lanyard:about` the store's metadata. The server expires no key, because replicas
//! judge expiry by their own clocks.

use std::sync::LazyLock;

use redis::Script;

/// The format of this release: the content of the keys above.
pub(super) const FORMAT: i64 = 1;

/// Prefix of the keys of rows.
pub(super) const RECORD: &str = "lanyard:record:";
/// Prefix of the keys of due times.
pub(super) const DUE: &str = "lanyard:due:";

/// The error of a write to a store other than the one that this replica connected to.
pub(super) const LOST: &str = "LANYARDLOST";

/// The beginning of every script, after the definitions of `RECORD`, `DUE` and `LOST`.
const COMMON: &str = r"
local OWNER, EXPIRY, ABOUT = 'lanyard:owner:', 'lanyard:expiry', 'lanyard:about'

local function lost(incarnation)
  if redis.call('HGET', ABOUT, 'incarnation') == incarnation then return nil end
  return redis.error_reply(LOST .. ' the server no longer has the records that it had')
end

local function is_live(row, now)
  return row and tonumber(row:sub(17, 32)) > tonumber(now)
end

-- Calls `each` with the key of each listing that a record belongs to, and the record's id.
local function listings(key, row, each)
  local scope = tonumber(row:sub(33, 35))
  local at = 37
  for _ = 1, tonumber(row:sub(36, 36)) do
    local length = tonumber(row:sub(at, at + 2))
    each(OWNER .. key:sub(1, scope) .. row:sub(at + 3, at + 2 + length), key:sub(scope + 1))
    at = at + 3 + length
  end
end

local function unlist(key, row)
  listings(key, row, function(listing, id) redis.call('ZREM', listing, id) end)
end

-- The key of the due times of a record's kind, which is the first part of the record's key.
local function due_times(key)
  return DUE .. key:sub(3, 2 + key:byte(1) * 256 + key:byte(2))
end

-- The first write is the one that a server without memory left refuses: the rest follows it.
local function put(key, row, old, due)
  redis.call('SET', RECORD .. key, row)
  if old then unlist(key, old) end
  if due ~= '' then
    redis.call('ZADD', due_times(key), due, key)
  elseif old then
    redis.call('ZREM', due_times(key), key)
  end
  local expiry = row:sub(17, 32)
  redis.call('ZADD', EXPIRY, expiry, key)
  listings(key, row, function(listing, id) redis.call('ZADD', listing, expiry, id) end)
end

local function remove(key, row)
  redis.call('DEL', RECORD .. key)
  redis.call('ZREM', EXPIRY, key)
  redis.call('ZREM', due_times(key), key)
  unlist(key, row)
end
";

fn script(own: &str) -> Script {
    Script::new(&format!("local RECORD, DUE, LOST = '{RECORD}', '{DUE}', '{LOST}'\n{COMMON}{own}"))
}

/// Arguments: incarnation, now, key, row, due time or nothing. Returns 1 if the row was written.
pub(super) static INSERT: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local incarnation, now, key, row, due = unpack(ARGV)
local refused = lost(incarnation)
if refused then return refused end
local old = redis.call('GET', RECORD .. key)
if is_live(old, now) then return 0 end
put(key, row, old, due)
return 1",
    )
});

/// Arguments: incarnation, now, key, row, due time or nothing, version. Returns 1 if the row was written.
pub(super) static SWAP: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local incarnation, now, key, row, due, version = unpack(ARGV)
local refused = lost(incarnation)
if refused then return refused end
local old = redis.call('GET', RECORD .. key)
if not is_live(old, now) or old:sub(1, 16) ~= version then return 0 end
put(key, row, old, due)
return 1",
    )
});

/// Arguments: incarnation, now, key. Returns the row, if there was one.
pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local incarnation, now, key = unpack(ARGV)
local refused = lost(incarnation)
if refused then return refused end
local old = redis.call('GET', RECORD .. key)
if not is_live(old, now) then return false end
remove(key, old)
return old",
    )
});

/// Arguments: now, scope, listing, limit. Returns ids and rows alternately.
pub(super) static LIST: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local now, scope, listing, limit = unpack(ARGV)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', OWNER .. listing, '(' .. now, '+inf', 'LIMIT', 0, limit)) do
  local row = redis.call('GET', RECORD .. scope .. id)
  if row then
    found[#found + 1] = id
    found[#found + 1] = row
  end
end
return found",
    )
});

/// Arguments: now, kind, first and last due time, limit. Returns keys, due times and rows in turn,
/// even those of a damaged row, which the caller reports.
pub(super) static LIST_DUE: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local now, kind, from, till, limit = unpack(ARGV)
local found, gone, seen = {}, {}, 0
repeat
  local keys = redis.call('ZRANGEBYSCORE', DUE .. kind, from, till, 'WITHSCORES', 'LIMIT', seen, limit)
  for at = 1, #keys, 2 do
    local row = redis.call('GET', RECORD .. keys[at])
    if not row then
      gone[#gone + 1] = keys[at]
    elseif #found < 3 * limit and (not tonumber(row:sub(17, 32)) or is_live(row, now)) then
      found[#found + 1] = keys[at]
      found[#found + 1] = keys[at + 1]
      found[#found + 1] = row
    end
  end
  seen = seen + limit
until #keys == 0 or #found == 3 * limit
for _, key in ipairs(gone) do redis.call('ZREM', DUE .. kind, key) end
return found",
    )
});

/// Arguments: moment, limit. Deletes records that had expired by then, and returns how many.
pub(super) static PURGE: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local moment, limit = unpack(ARGV)
local keys = redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', moment, 'LIMIT', 0, limit)
for _, key in ipairs(keys) do
  local row = redis.call('GET', RECORD .. key)
  if row then remove(key, row) else redis.call('ZREM', EXPIRY, key) end
end
return #keys",
    )
});

/// Arguments: cursor, and how many records to look at. Returns the next cursor, which is 0 at the end, and keys and
/// lengths of rows in turn.
pub(super) static LENGTHS: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local cursor, limit = unpack(ARGV)
local page = redis.call('ZSCAN', EXPIRY, cursor, 'COUNT', limit)
local found = {}
for at = 1, #page[2], 2 do
  found[#found + 1] = page[2][at]
  found[#found + 1] = redis.call('STRLEN', RECORD .. page[2][at])
end
return {page[1], found}",
    )
});

/// Arguments: incarnation, format. Returns the store's incarnation, its format, the oldest format
/// that works with it, and the server's clock in seconds and microseconds. A store without an
/// incarnation gets the given one.
pub(super) static ABOUT: LazyLock<Script> = LazyLock::new(|| {
    script(
        r"
local incarnation, format = unpack(ARGV)
local time = redis.call('TIME')
if redis.call('EXISTS', ABOUT) == 0 then
  redis.call('HSET', ABOUT, 'incarnation', incarnation, 'format', format, 'works_with', format)
end
local about = redis.call('HMGET', ABOUT, 'incarnation', 'format', 'works_with')
return {about[1], about[2], about[3], time[1], time[2]}",
    )
});
