# SPDX-License-Identifier: Apache-2.0
package WebhookXml;

# Reads the XML form of the API by libxml2, independently of the code under
# test. Stricter than the module: only what the module may write.
#
#     my ($root, $value) = WebhookXml::parse($answer->{content});

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use JSON::PP ();

my $json = JSON::PP->new->allow_nonref;

# False if a test that needs it has to be skipped.
sub available { return eval { require XML::LibXML; 1 } }

# The root's name and value; dies if it is not the API's XML.
sub parse {
    my ($bytes) = @_;
    my $document = XML::LibXML->load_xml(string => $bytes, no_network => 1,
        expand_entities => 0, huge => 1);
    my $root = $document->documentElement;

    croak 'a document type' if $document->internalSubset;
    croak 'a namespace' if defined $root->namespaceURI;
    return ($root->nodeName, value_of($root, 1));
}

sub value_of {
    my ($element, $is_root) = @_;
    my $type = $element->getAttribute('type');
    my @children = grep { $_->nodeType == XML::LibXML::XML_ELEMENT_NODE() }
        $element->childNodes;

    $type = 'object' if !defined $type && $is_root && @children;
    return text_of($element) if !defined $type || $type eq 'string';
    return object_of(@children) if $type eq 'object';
    return array_of(@children) if $type eq 'array';
    croak "elements in a $type" if @children;
    return if $type eq 'null' && text_of($element) eq '';
    return $json->decode(text_of($element))
        if $type =~ /\A(?:number|boolean|json)\z/;
    croak "type $type";
}

sub text_of {
    my ($element) = @_;

    for my $child ($element->childNodes) {
        my $type = $child->nodeType;

        croak $child->nodeName . ' in a text'
            if $type != XML::LibXML::XML_TEXT_NODE()
            && $type != XML::LibXML::XML_CDATA_SECTION_NODE();
    }
    return $element->textContent;
}

sub object_of {
    my @elements = @_;
    my %object;

    for my $element (@elements) {
        my $name = $element->nodeName;

        if ($name eq 'member' && defined $element->getAttribute('name')) {
            $name = $element->getAttribute('name');
            $name = $json->decode($name)
                if ($element->getAttribute('name-type') || '') eq 'json';
        }
        croak "$name twice" if exists $object{$name};
        $object{$name} = value_of($element);
    }
    return \%object;
}

sub array_of {
    my @elements = @_;

    for my $element (@elements) {
        croak $element->nodeName . ' in an array'
            if $element->nodeName ne 'item';
    }
    return [map { scalar value_of($_) } @elements];
}

1;
