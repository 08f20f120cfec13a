-- wrk script: sends the lines of the file REQUESTS in turn, from line FIRST on. PREFIX is the path of the base URL.
local prefix, token = os.getenv("PREFIX") or "", os.getenv("TOKEN")
local plain = { ["Accept"] = "application/json" }
local json = { ["Accept"] = "application/json", ["Content-Type"] = "application/json" }
if token then
  plain["Authorization"] = "Bearer " .. token
  json["Authorization"] = plain["Authorization"]
end
local wire, at = {}, tonumber(os.getenv("FIRST") or "0")

function init()
  for line in io.lines(os.getenv("REQUESTS")) do
    local method, path, body = line:match("^(%u+)\t([^\t]+)\t?(.*)$")
    wire[#wire + 1] = wrk.format(method, prefix .. path, body ~= "" and json or plain, body ~= "" and body or nil)
  end
end

function request()
  at = at % #wire + 1
  return wire[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"bytes":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout))
end
