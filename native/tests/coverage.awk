# Sums up gcov's account of the harness's own files.
/^File / {
    file = $2
    gsub(/'/, "", file)
    own = file ~ /^(src|cli)\//
    lines = 0
}
# A second line count belongs to no file: it is the sum of all.
own && /^Lines executed:/ && !lines++ { count("lines", $0) }
own && /^Taken at least once:/ { count("branches", $0) }

# "Lines executed:97.50% of 40"
function count(what, text, parts, words) {
    split(text, parts, ":")
    split(parts[2], words, "% of ")
    total[what] += words[2]
    done[what] += words[1] * words[2] / 100
    printf "%-16s %-8s %6.2f %% of %d\n", file, what, words[1], words[2]
}

END {
    if (!total["lines"]) {
        print "gcov gave no figures"
        exit 1
    }
    lines = 100 * done["lines"] / total["lines"]
    branches = 100 * done["branches"] / total["branches"]
    printf "lines %.2f %%, branches %.2f %%\n", lines, branches
    exit !(lines > 99.99 && branches >= 95)
}
