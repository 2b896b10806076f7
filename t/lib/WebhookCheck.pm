# SPDX-License-Identifier: Apache-2.0
package WebhookCheck;

# What tests of the API say about its answers (hashes of HTTP::Tiny).
#
#     answered call($server, GET => path_of(7)), 200, 'it is there';
#     refused call($server, GET => path_of(8)), 404, qr/webhook/, 'it is not';
#     is decoded($answer)->{Name}, 'x';

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use JSON::PP ();
use Test::More ();

our @EXPORT_OK = qw(answered refused decoded message_of etag_of allowed
    without);

my $json = JSON::PP->new->utf8->allow_nonref;

# The value of a JSON body; undef also for what is none.
sub decoded {
    my ($answer) = @_;

    return eval { $json->decode($answer->{content}) };
}

# The sentence of an answer in the API's form of an error; undef for others.
sub message_of {
    my ($error) = @_;

    return if ref $error ne 'HASH' || !$error->{Error};
    for my $name (qw(ErrorType Message ErrorMessage ErrorSource)) {
        my $text = $error->{$name};

        return if !defined $text || ref $text || $text eq '';
    }
    return if $error->{Message} ne $error->{ErrorMessage};
    return $error->{Message};
}

# One test. The answer, so that more can be asked of it.
sub answered {
    my ($answer, $status, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($answer->{status}, $status, $name)
        or Test::More::diag(substr $answer->{content}, 0, 1000);
    return $answer;
}

# Two tests: the status, and a sentence in the API's form of an error.
sub refused {
    my ($answer, $status, $pattern, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    answered($answer, $status, "$name: $status");
    Test::More::like(message_of(decoded($answer)), $pattern, '... says why')
        or Test::More::diag(substr $answer->{content}, 0, 1000);
    return $answer;
}

sub etag_of { return $_[0]{headers}{etag} }

# The methods of Allow, sorted.
sub allowed {
    my ($answer) = @_;
    my $allow = $answer->{headers}{allow};

    return join ' ', sort split /\s*,\s*/, defined $allow ? $allow : '';
}

# A copy of an object without some members.
sub without {
    my ($object, @names) = @_;
    my %copy = %$object;

    delete @copy{@names};
    return \%copy;
}

1;
