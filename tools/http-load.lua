-- Transactions for the HTTP API, as NDJSON, for the load generator wrk: new ones in each request.
--
--   wrk -t1 -c8 -d10s --latency -s tools/http-load.lua http://127.0.0.1:7580 -- 1000
--
-- The number is how many there are to a request, 1,000 when it is absent.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local run = os.time()
local rows = 1000
local requests = 0

function init(arguments)
  rows = tonumber(arguments[1]) or rows
end

function request()
  requests = requests + 1
  local lines = {}
  for row = 1, rows do
    lines[row] = string.format(
      '{"id":"%d-%d-%d-%d","time":"2026-11-20T09:30:00Z","amount":"%d","currency":"VND","kind":"payment",'
        .. '"channel":"mobile","source":"shop","region":"HN"}',
      run, number, requests, row, 1000 + row)
  end
  local headers = { ["Content-Type"] = "application/x-ndjson", ["Prefer"] = "return=minimal" }
  return wrk.format("POST", "/v1/transactions", headers, table.concat(lines, "\n"))
end
