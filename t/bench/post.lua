-- SPDX-License-Identifier: Apache-2.0
-- For wrk: POSTs a JSON object with the Authorization header of the environment
-- variable BENCH_AUTHORIZATION, and says at the end in one line what came of it.
--
--   wrk ... -s post.lua URL -- [BODY-BYTES [MEAN-PAUSE-ms]]
--
-- With a pause, each connection waits about that long between an answer and
-- its next request; the time is not part of the latency.

local pause = 0

function init(args)
    local size = tonumber(args[1]) or 0
    local body = '{"n":1}'

    if size > #body then
        local filling = size - #'{"n":1,"x":""}'
        body = '{"n":1,"x":"' .. string.rep("x", math.max(filling, 0)) .. '"}'
    end
    pause = tonumber(args[2]) or 0
    math.randomseed(os.time())
    wrk.method = "POST"
    wrk.body = body
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
    if pause > 0 then
        delay = function()
            -- Spread, so that connections do not go in step.
            return math.floor(pause * (0.5 + math.random()) + 0.5)
        end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        "RESULT requests=%d us=%d connect=%d read=%d write=%d status=%d " ..
        "timeout=%d p50=%d p99=%d max=%d\n",
        summary.requests, summary.duration, errors.connect, errors.read,
        errors.write, errors.status, errors.timeout,
        latency:percentile(50), latency:percentile(99), latency.max))
end
